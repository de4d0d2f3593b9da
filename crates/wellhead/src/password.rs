//! Asks for a password on a terminal, without showing it.

use std::io::{BufRead, IsTerminal, Write};
use std::os::fd::AsFd;

use anyhow::{Context, Result};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

/// Asks for the password of `who`; `None` where standard input is no terminal, so that nobody waits for
/// an answer that cannot come.
pub(crate) fn ask_on_terminal(who: &str) -> Result<Option<String>> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Ok(None);
    }
    let mut prompt = std::io::stderr();
    write!(prompt, "password for {who}: ").context("the terminal cannot be written")?;
    prompt.flush().context("the terminal cannot be written")?;
    let hidden = HiddenInput::begin(&input)?;
    let mut line = String::new();
    let read = input.lock().read_line(&mut line);
    drop(hidden);
    writeln!(prompt).context("the terminal cannot be written")?;
    read.context("the terminal cannot be read")?;
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// The terminal does not echo as long as this lives.
struct HiddenInput<'a, T: AsFd> {
    terminal: &'a T,
    before: rustix::termios::Termios,
}

impl<'a, T: AsFd> HiddenInput<'a, T> {
    fn begin(terminal: &'a T) -> Result<Self> {
        let before = tcgetattr(terminal).context("the terminal cannot be asked")?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &silent)
            .context("the terminal cannot be silenced")?;
        Ok(Self { terminal, before })
    }
}

impl<T: AsFd> Drop for HiddenInput<'_, T> {
    fn drop(&mut self) {
        if let Err(error) = tcsetattr(self.terminal, OptionalActions::Flush, &self.before) {
            tracing::warn!(%error, "the terminal still hides what is typed; run: stty echo");
        }
    }
}
