//! The rules of this repository that a machine can hold, each with its reason.
//!
//! Not a room of the product: no other crate uses it, and it is never linked into the binary. A rule is a
//! pure function from text to complaints, proved on a bad sample beside it; `tests/repository.rs` applies
//! all of them to the tree. What rustfmt and clippy already hold is not repeated here.

pub mod calls;
pub mod codes;
pub mod crates;
pub mod manifests;
pub mod pages;
pub mod rust;
pub mod texts;
pub mod tree;
