//! The whole catalog, through its public face.

mod files;
mod lasting;
mod left_out;
