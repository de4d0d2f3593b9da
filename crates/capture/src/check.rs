//! Items of a precheck.

use serde::Serialize;

/// One thing that was looked at before a task starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckItem {
    /// Section it is printed under: `source`, `log`, `tables`.
    pub group: &'static str,
    /// Stable name, like `binlog_format`.
    pub name: &'static str,
    /// The verdict.
    pub result: CheckResult,
    /// What was found, in a few words.
    pub found: String,
    /// What is needed; empty when it is fine.
    pub wanted: String,
    /// What mends it.
    pub remedy: Vec<Remedy>,
    /// Whether a task may start in spite of a failure.
    pub can_skip: bool,
}

/// The verdict on one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckResult {
    /// As it should be.
    Ok,
    /// Works, with a drawback that `found` names.
    Warn,
    /// Would not work.
    Failed,
    /// Could not be looked at, because an earlier item failed.
    Skipped,
}

/// A way to mend a failed item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// What to do, in words.
    pub title: String,
    /// SQL to run on the source, or empty.
    pub sql: String,
}
