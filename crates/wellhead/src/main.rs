//! The binary `wellhead`: reads the command line and hands over to the command that was asked for.
//!
//! `serve` and `tap` are the server; everything else is a client of its API, or works without one.

mod certificates;
mod cli;
mod client;
mod commands;
mod config;
mod data_dir;
mod exit;
mod memory;
mod open_files;
mod output;
mod password;
mod reload;
mod serve;
mod server;
mod serving;
mod sources;
mod tap;
mod topics;
mod tracing_output;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, LogVerb, Verb};

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { global, verb } = Cli::parse();
    let command = verb.name();
    match verb {
        Verb::Serve(args) => output::ended(serve::run(args).await),
        Verb::Tap(args) => output::ended(tap::run(args).await),
        Verb::Tail(args) => output::ended(commands::tail::run(&global, &args).await),
        Verb::Log(LogVerb::Dump(args)) => output::ended(commands::log::dump::run(&global, &args)),
        verb => output::finish(command, &global, commands::run(&global, verb).await),
    }
}
