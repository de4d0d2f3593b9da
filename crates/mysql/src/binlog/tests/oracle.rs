//! The same bytes through another decoder.
