//! One file for each noun or verb that is not the server itself.
//!
//! Each turns flags into calls of the API (or of the libraries, where no server is needed) and the
//! answers into an [`Answer`]; printing it is left to `output`. `tail` prints as it goes.

mod backup;
pub(crate) mod check;
mod code;
mod config;
mod form;
mod group;
mod health;
pub(crate) mod log;
pub(crate) mod tail;
mod task;
mod verify;
mod version;

use std::io::{IsTerminal, Write};

use anyhow::{Context, Result, bail};

use crate::cli::{Format, Global, Verb};
use crate::exit::Failure;
use crate::output::Answer;

/// Runs a verb that answers once.
pub(crate) async fn run(global: &Global, verb: Verb) -> Result<Answer> {
    if let Some(Format::Pretty | Format::Hex) = global.output {
        bail!(Failure::usage(
            "-o pretty and -o hex are forms of tail and log dump; use table, wide, json or jsonl"
        ));
    }
    match verb {
        Verb::Code(args) => code::run(global, &args).await,
        Verb::Check(args) => check::run(global, &args).await,
        Verb::Verify(args) => verify::run(global, &args).await,
        Verb::Health => health::run(global).await,
        Verb::Config(verb) => config::run(global, verb).await,
        Verb::Task(verb) => task::run(global, verb).await,
        Verb::Group(verb) => group::run(global, verb).await,
        Verb::Backup(verb) => backup::run(global, &verb),
        Verb::Log(verb) => log::run(global, &verb),
        Verb::Version => Ok(version::run()),
        Verb::Serve(_) | Verb::Tap(_) | Verb::Tail(_) => {
            bail!("this verb prints by itself and is not run here")
        }
    }
}

/// Commands of ours are choices, anything else mends what is wrong.
pub(crate) fn choice(remedy: &str) -> String {
    let what = if remedy.starts_with("wellhead ") { "choose" } else { "fix" };
    format!("{what}: {remedy}")
}

/// Says what will be destroyed or left out, and asks whether it shall be.
pub(crate) fn confirm(global: &Global, plan: &str, question: &str) -> Result<()> {
    let mut words = std::io::stderr();
    if global.yes {
        return Ok(());
    }
    writeln!(words, "{plan}").context("the terminal cannot be written")?;
    if !std::io::stdin().is_terminal() {
        bail!(Failure::usage("nothing was done: there is no terminal to ask on; give --yes"));
    }
    write!(words, "{question} [y/N] ").context("the terminal cannot be written")?;
    words.flush().context("the terminal cannot be written")?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("the terminal cannot be read")?;
    match line.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => bail!(Failure::usage("nothing was done")),
    }
}
