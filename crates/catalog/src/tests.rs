//! The whole catalog, through its public face.

mod backup;
mod files;
mod lasting;
mod left_out;
mod membership;
