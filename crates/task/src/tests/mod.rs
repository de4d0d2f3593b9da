//! Tasks with a scripted source and a real log.

mod bounds;
mod choices;
mod disk;
mod life;
mod once;
mod scripted;
