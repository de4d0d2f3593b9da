//! The calls that `docs/way-of-a-change.md` names, against the code.

/// One row of the page's table: a function and the file that has it.
#[derive(Debug, PartialEq, Eq)]
pub struct Call {
    /// Path from the repository's root.
    pub file: String,
    /// Name of the function, without its type.
    pub function: String,
}

/// Reads the rows of `| n | `Type::function` | `file` | ... |`.
#[must_use]
pub fn calls(page: &str) -> Vec<Call> {
    page.lines()
        .filter(|line| line.starts_with('|'))
        .filter_map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [number, function, file, ..] = cells.as_slice() else { return None };
            number.parse::<u32>().ok()?;
            let function = function.trim_matches('`').rsplit("::").next()?.trim_end_matches("()");
            Some(Call { file: file.trim_matches('`').into(), function: function.into() })
        })
        .collect()
}

/// Complaints about calls that do not exist. `read` answers a file's text.
#[must_use]
pub fn check(calls: &[Call], read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut complaints = Vec::new();
    if !(8..=10).contains(&calls.len()) {
        complaints.push(format!(
            "docs/way-of-a-change.md names {} calls; from socket to client a reader follows eight to ten",
            calls.len()
        ));
    }
    for Call { file, function } in calls {
        let found = read(file).is_some_and(|text| {
            [format!("fn {function}("), format!("fn {function}<")]
                .iter()
                .any(|start| text.contains(start))
        });
        if !found {
            complaints.push(format!("docs/way-of-a-change.md: {file} has no fn {function}: follow the code and mend the page"));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "| | call | file |\n|---|---|---|\n| 1 | `Reader::read` | `a.rs` | x |\n| 2 | `write()` | `b.rs` |\n";

    #[test]
    fn calls_are_read_from_the_table() {
        let expected = [("a.rs", "read"), ("b.rs", "write")]
            .map(|(file, function)| Call { file: file.into(), function: function.into() });
        assert_eq!(calls(PAGE), expected);
    }

    #[test]
    fn a_call_that_is_gone_is_seen() {
        let eight = |second: &str| -> Vec<Call> {
            let row = |function: &str| Call { file: "a.rs".into(), function: function.into() };
            (0..7).map(|_| row("read")).chain([row(second)]).collect()
        };
        let read =
            |_: &str| Some("pub fn read(&self) {}\nfn write<T>() {}\nfn writer() {}".to_owned());
        assert!(check(&eight("write"), read).is_empty());
        assert_eq!(check(&eight("writ"), read).len(), 1);
        assert_eq!(check(&eight("read"), |_| None).len(), 8);
        assert_eq!(check(&[], read).len(), 1);
    }
}
