//! The whole broker, through real sockets on the loopback, against real logs and a real catalog.

mod accounts;
mod admin;
mod client;
mod groups;
mod hostile;
mod limits;
mod members;
mod newer_groups;
mod offsets;
mod older;
mod quotas;
mod reading;
mod server;
mod sessions;
mod stalled;

use client::Client;
use server::Server;
