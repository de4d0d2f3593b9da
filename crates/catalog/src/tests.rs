//! The whole catalog, through its public face.

mod files;
mod lasting;
