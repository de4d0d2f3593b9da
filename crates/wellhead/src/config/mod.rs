//! The configuration: `wellhead.toml`, the files of `conf.d` beside it, the environment and flags,
//! turned once into typed values.
//!
//! The way of a value: [`document`] reads a file into settings that know their line, [`layer`] lays files,
//! environment (`WELLHEAD_<SECTION>__<KEY>`) and flags over the defaults of [`key`], [`reference`]
//! replaces `${env:…}` and `${file:…}`, and [`section`], [`doors`] and [`object`] parse what is left into
//! [`Config`]. Each step goes on after a fault, so that all faults are told at once.
//!
//! Deliberately not here: looking at the machine (is the port free, is the folder writable) and at
//! sources; and keys of which nothing comes yet, which are unknown keys.

mod document;
mod doors;
mod fault;
mod key;
mod layer;
mod object;
mod quantity;
mod reader;
mod reference;
mod section;
mod setting;
mod show;
#[cfg(test)]
mod tests;
mod url;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(crate) use doors::{Advertised, Listener, Lock};
pub(crate) use fault::{Fault, Faults};
pub(crate) use section::{Config, Log, LogFormat, LogLevel, MemoryBudget, fetch_rate};
pub(crate) use setting::Origin;
pub(crate) use url::{CleanUrl, clean_url};

use layer::Layers;

/// What the configuration is made from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inputs {
    /// The file, or none. `conf.d/*.toml` beside it are read after it, in the order of their names.
    pub(crate) file: Option<PathBuf>,
    /// The environment. Only `WELLHEAD_<SECTION>__<KEY>` and what `${env:…}` names is looked at.
    pub(crate) environment: BTreeMap<String, String>,
    /// Values from the command line, over everything else.
    pub(crate) flags: Vec<Flag>,
    /// Whether `${env:…}`, `${file:…}` and password files are left alone; what they stand for is unknown
    /// then, and is not judged.
    pub(crate) without_secrets: bool,
}

/// A value from the command line.
#[derive(Debug, Clone)]
pub(crate) struct Flag {
    /// How it is given, like `--data-dir`, for messages.
    pub(crate) name: &'static str,
    /// The key it stands for, like `server.data_dir`.
    pub(crate) key: &'static str,
    /// Its text; lists are separated by commas.
    pub(crate) value: String,
}

/// A configuration without faults.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    /// The typed values.
    pub(crate) config: Config,
    layers: Layers,
}

impl Loaded {
    /// The effective configuration as TOML: each key with where it comes from as a comment, secrets
    /// elided.
    pub(crate) fn show(&self) -> String {
        show::show(&self.layers)
    }

    /// The keys that another configuration has otherwise, and the objects that only one of them has.
    pub(crate) fn changed(&self, other: &Self) -> Vec<String> {
        self.layers.changed(&other.layers)
    }
}

/// Looks for faults. There is nothing to answer where values are unknown because secrets were left alone.
///
/// # Errors
/// All faults, in the order of files and lines.
pub(crate) fn check(inputs: &Inputs) -> Result<Option<Loaded>, Faults> {
    let mut faults = Vec::new();
    let layers = Layers::read(inputs, &mut faults);
    let config = section::build(&layers, inputs.without_secrets, &mut faults);
    if faults.is_empty() {
        return Ok(config.map(|config| Loaded { config, layers }));
    }
    Err(Faults::new(faults))
}

/// Reads the whole configuration.
///
/// # Errors
/// All faults, in the order of files and lines.
pub(crate) fn load(inputs: &Inputs) -> Result<Loaded, Faults> {
    check(inputs)?.ok_or_else(|| Faults::new(Vec::new()))
}

/// Reads a text file of at most a mebibyte; says in a few words why not.
fn read_text(path: &Path) -> Result<String, String> {
    use std::io::{ErrorKind, Read};

    let mut text = String::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text));
    match read {
        Ok(length) if u64::try_from(length).is_ok_and(|length| length <= MAX_FILE_BYTES) => {
            Ok(text)
        }
        Ok(_) => Err("it is larger than 1 MiB".into()),
        Err(error) => Err(match error.kind() {
            ErrorKind::NotFound => "no such file".into(),
            ErrorKind::PermissionDenied => "permission denied".into(),
            ErrorKind::InvalidData => "it is not UTF-8".into(),
            _ => error.to_string(),
        }),
    }
}

const MAX_FILE_BYTES: u64 = 1 << 20;
