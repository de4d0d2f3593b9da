//! Looking at a partition's files without touching them: what they are, whether they are right, what
//! they hold.
//!
//! Files are opened to be read and nothing else; no lock is taken and nothing is created, so this works
//! beside a running server, on a copy of its folder, and on one segment alone. What is looked at may
//! grow or lose its oldest segments meanwhile: a file is looked at up to the length it had when it was
//! opened, and a segment that retention removes is left out.
//!
//! Memory is bounded by the largest batch whose checksum fits, however long a segment is. Nothing is
//! repaired here: opening the partition does that.

mod findings;
mod folder;
#[cfg(any(test, feature = "simulation"))]
mod fuzz;
mod indexes;
mod info;
mod records;
mod segment;
#[cfg(test)]
mod tests;
mod verify;
mod walk;

pub use findings::{Finding, Findings, Severity};
pub use folder::{Facts, Folder};
#[cfg(any(test, feature = "simulation"))]
pub use fuzz::fuzz_inspect;
pub use indexes::IndexState;
pub use info::{Info, Packing, SegmentInfo, info};
pub use records::{BatchFacts, Bound, Span, dump};
pub use verify::{Verified, verify};
pub(crate) use walk::damage_in;

/// Bytes that the records of one batch may take unpacked.
const UNPACKED_MAX: usize = 512 << 20;
