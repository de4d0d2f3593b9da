//! Values as they were written, and where.

use std::collections::BTreeMap;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// Built in.
    Default,
    /// A line of a file, or the whole file where there is no line.
    File {
        /// The path, as it was given.
        path: String,
        /// The line, from 1.
        line: Option<usize>,
    },
    /// A variable of the environment.
    Environment(String),
    /// A flag on the command line.
    Flag(&'static str),
}

/// A value in one of the forms that keys have. It has no `Debug`, because it may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(i64),
    List(Vec<String>),
}

/// A value and its past.
#[derive(Clone)]
pub(super) struct Setting {
    /// With references as they were written; this may be shown.
    pub(super) written: Value,
    /// With references replaced; this may hold secrets.
    pub(super) value: Value,
    /// False if a reference could not be replaced, or was left alone; nothing else need be told.
    pub(super) resolved: bool,
    pub(super) origin: Origin,
}

/// Settings by the path of their key.
pub(super) type Settings = BTreeMap<String, Setting>;

/// One `[[kafka.listener]]`, `[[source]]`, `[[task]]` or `[[group]]`.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) settings: Settings,
    pub(super) origin: Origin,
}

impl Value {
    /// Whether it holds a `${…}` that stands for something else.
    pub(super) fn has_reference(&self) -> bool {
        let refers = |text: &String| text.replace("$${", "").contains("${");
        match self {
            Self::Text(text) => refers(text),
            Self::Number(_) => false,
            Self::List(texts) => texts.iter().any(refers),
        }
    }
}

impl Setting {
    pub(super) fn new(value: Value, origin: Origin) -> Self {
        Self { written: value.clone(), value, resolved: true, origin }
    }
}

/// Without the value.
impl std::fmt::Debug for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setting").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line: Some(line) } => write!(f, "{path}:{line}"),
            Self::File { path, line: None } => f.write_str(path),
            Self::Environment(variable) => write!(f, "env {variable}"),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// As TOML.
impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = match self {
            Self::Text(text) => toml::Value::from(text.as_str()),
            Self::Number(number) => toml::Value::from(*number),
            Self::List(texts) => toml::Value::from(texts.clone()),
        };
        value.fmt(f)
    }
}
