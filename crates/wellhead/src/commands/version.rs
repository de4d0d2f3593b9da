//! `wellhead version`.

use serde_json::json;

use crate::output::Answer;

pub(super) fn run() -> Answer {
    let version = env!("CARGO_PKG_VERSION");
    Answer::data(format!("wellhead {version}\n"), json!({ "version": version }))
}
