//! The whole broker, through real sockets on the loopback, against real logs and a real catalog.

mod accounts;
mod client;
mod groups;
mod hostile;
mod offsets;
mod reading;
mod server;
mod stalled;

use client::Client;
use server::Server;
