//! Looks into logs that were written with the real encoder, batches and files.
