//! Where log lines go, and how they look.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat, LogLevel};

/// Writes log lines to standard error from now on. `WELLHEAD_LOG` may say more than the configuration
/// (`info,broker=debug`).
pub(crate) fn install(log: &Log) {
    let level = match log.level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    let filter = EnvFilter::try_from_env("WELLHEAD_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let terminal = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let json = match log.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !terminal,
    };
    // Only a second call can fail, and there is none.
    let _installed = if json {
        lines.json().flatten_event(true).try_init()
    } else {
        let colours = terminal && std::env::var_os("NO_COLOR").is_none();
        lines.with_ansi(colours).with_target(false).try_init()
    };
}
