//! A disk in memory that fails on command and forgets what was not synced. For tests and fuzz
//! targets.
//!
//! It promises what POSIX and a decent drive promise and nothing more:
//!
//! * Bytes that a successful sync covered stay. Of the others each sector may survive, be lost, be
//!   torn or come back with flipped bits, in any order, and the file may have any length between.
//! * A created, renamed or removed name stays after its folder was synced; before that each name
//!   is, by itself, as it was or as it is.
//! * After a failed sync the system takes the pages for clean. What of them is on the disk is
//!   anybody's guess, the next sync succeeds without writing them, and a later read may show either
//!   (what is known as fsyncgate).
//! * Reads and writes may be interrupted, come short or fail, and space may end within a write.
//!
//! Every guess is drawn from a seed, so that a run can be repeated. It knows neither permissions
//! nor links.

mod dice;
mod disk;
mod faults;
mod file;
mod node;
mod state;

pub use dice::Dice;
pub use disk::SimulatedDisk;
pub use faults::Faults;
