//! The codes by which a task says why it cannot go on, against the page that says what to do.

use std::collections::BTreeSet;

/// What stands before a code where one is made, besides the kind of a source's error.
const BEFORE: [&str; 3] = ["code: ", "lost(", "const CHOSEN: &str = "];

/// The codes that a source file makes. A bare arm (`=> "code"`) counts only in a `fn code(`.
#[must_use]
pub fn codes(source: &str) -> BTreeSet<String> {
    let code = source.split("\n#[cfg(test)]").next().unwrap_or_default();
    let mut codes = BTreeSet::new();
    let after = |before: &str, text: &str| -> Vec<String> {
        let rests = text.split(before).skip(1).map(str::trim_start);
        rests.filter_map(|rest| literal(rest.strip_prefix('"')?)).collect()
    };
    for before in BEFORE {
        codes.extend(after(before, code));
    }
    let arms = code.split("\nfn code(").nth(1).and_then(|rest| rest.split("\n}").next());
    codes.extend(after("=> ", arms.unwrap_or_default()));
    for rest in code.split("ErrorKind::").skip(1) {
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        let second = rest.strip_prefix(',').map(str::trim_start);
        codes.extend(second.and_then(|text| text.strip_prefix('"')).and_then(literal));
    }
    codes
}

/// The codes that have a section on the page: headings like `` ### `binlog_purged` ``, several in one if
/// they have the same choices.
#[must_use]
pub fn sections(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter_map(|line| line.strip_prefix("### "));
    let names = headings.flat_map(|heading| heading.split('`').skip(1).step_by(2));
    names.map(String::from).collect()
}

/// Complaints about codes that have no section, and sections of codes that are gone.
#[must_use]
pub fn compare(codes: &BTreeSet<String>, sections: &BTreeSet<String>, page: &str) -> Vec<String> {
    let missing = codes.difference(sections).map(|code| {
        format!("{page}: the code {code} has no section: who meets it must find what to do")
    });
    let gone = sections.difference(codes).map(|code| {
        format!("{page}: nothing makes the code {code} any more: take its section out")
    });
    missing.chain(gone).collect()
}

/// A code up to its closing quote, if the text begins with one.
fn literal(text: &str) -> Option<String> {
    let (word, _) = text.split_once('"')?;
    let is_code = !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    is_code.then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_where_they_are_made() {
        let source = "
            SourceError::new(ErrorKind::Corrupt, \"event_corrupt\", text)
            SourceError::new(
                ErrorKind::PositionLost,
                \"server_diverged\",
                format!(\"a {b}\"),
            )
            matches!(kind, ErrorKind::Corrupt, \"no code, as it has blanks\")
            lost(
                \"binlog_purged\", message)
            Reason { code: \"disk_full\".into() }
            other => \"not_here\"
\nfn code(failure: &Failure) -> &str {\n    match failure { A => \"schema_mismatch\" }\n}
\n#[cfg(test)]\nmod tests { code: \"scripted\" }";
        let found: Vec<_> = codes(source).into_iter().collect();
        let all =
            ["binlog_purged", "disk_full", "event_corrupt", "schema_mismatch", "server_diverged"];
        assert_eq!(found, all);
    }

    #[test]
    fn what_has_no_section_or_no_code_is_seen() {
        let sections = sections("# T\n\n### `a_b`, `c`\n\n## `not_one`\n");
        let codes = ["a_b", "d"].map(String::from).into();
        let complaints = compare(&codes, &sections, "p.md");
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints[0].contains("code d has no section"), "{complaints:?}");
        assert!(complaints[1].contains("the code c any more"), "{complaints:?}");
    }
}
