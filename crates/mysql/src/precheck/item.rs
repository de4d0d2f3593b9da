//! Short ways to write a [`CheckItem`].

use capture::{CheckItem, CheckResult, Remedy};

pub(super) fn ok(group: &'static str, name: &'static str, found: impl Into<String>) -> CheckItem {
    item(group, name, CheckResult::Ok, found, "")
}

pub(super) fn warn(
    group: &'static str,
    name: &'static str,
    found: impl Into<String>,
    wanted: &str,
) -> CheckItem {
    item(group, name, CheckResult::Warn, found, wanted)
}

pub(super) fn failed(
    group: &'static str,
    name: &'static str,
    found: impl Into<String>,
    wanted: &str,
) -> CheckItem {
    item(group, name, CheckResult::Failed, found, wanted)
}

pub(super) fn skipped(group: &'static str, name: &'static str) -> CheckItem {
    item(group, name, CheckResult::Skipped, "", "")
}

/// Adds a way to mend it.
pub(super) fn remedy(
    mut item: CheckItem,
    title: impl Into<String>,
    sql: impl Into<String>,
) -> CheckItem {
    item.remedy.push(Remedy { title: title.into(), sql: sql.into() });
    item
}

/// Lets a task start in spite of the failure.
pub(super) fn skippable(mut item: CheckItem) -> CheckItem {
    item.can_skip = true;
    item
}

/// A number of seconds as people say it: `6 d 4 h`, `4 h 10 min`, `90 s`.
pub(super) fn duration(seconds: i64) -> String {
    match seconds {
        86_400.. => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
        3_600.. => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        120.. => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

fn item(
    group: &'static str,
    name: &'static str,
    result: CheckResult,
    found: impl Into<String>,
    wanted: &str,
) -> CheckItem {
    CheckItem {
        group,
        name,
        result,
        found: found.into(),
        wanted: wanted.to_owned(),
        remedy: Vec::new(),
        can_skip: result == CheckResult::Warn,
    }
}
