//! Rules for Markdown pages.

use std::path::{Component, Path, PathBuf};

/// Complaints about one page. `exists` answers whether a path from the repository's root is there.
#[must_use]
pub fn check(path: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut complaints = Vec::new();
    let prose = prose(text);
    let titles = prose.iter().filter(|(_, line)| line.starts_with("# ")).count();
    let first = text.lines().next().unwrap_or_default();
    if titles != 1 || !first.starts_with("# ") {
        complaints.push(format!(
            "{path}:1: a page has one title, on its first line; this one has {titles}"
        ));
    }
    for (number, line) in prose {
        for target in links(line) {
            if let Some(missing) = broken(path, target, &exists) {
                complaints
                    .push(format!("{path}:{number}: the link {target} leads nowhere ({missing})"));
            }
        }
    }
    complaints
}

/// Complaints about the changelog: what is not released yet has a place, and so has safety.
#[must_use]
pub fn changelog(text: &str) -> Vec<String> {
    let unreleased: Vec<&str> = text
        .lines()
        .skip_while(|line| *line != "## Unreleased")
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .collect();
    if unreleased.is_empty() {
        return vec![
            "CHANGELOG.md: `## Unreleased` is missing: a change that users see is told there"
                .into(),
        ];
    }
    if !unreleased.contains(&"### Safety") {
        return vec!["CHANGELOG.md: `### Safety` is missing under Unreleased: what could lose, repeat or leak \
                     data before, and cannot now, is told apart"
            .into()];
    }
    Vec::new()
}

/// Lines outside of fenced blocks, with their numbers.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            lines.push((index + 1, line));
        }
    }
    lines
}

/// The targets of `[text](target)`.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

fn broken(page: &str, target: &str, exists: impl Fn(&str) -> bool) -> Option<String> {
    let path = target.split('#').next().unwrap_or_default();
    if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
        return None;
    }
    let joined = Path::new(page).parent().unwrap_or(Path::new("")).join(path);
    let mut clean = PathBuf::new();
    for part in joined.components() {
        match part {
            Component::ParentDir if !clean.pop() => {
                return Some("outside of the repository".into());
            }
            Component::Normal(name) => clean.push(name),
            _ => {}
        }
    }
    let clean = clean.to_string_lossy().into_owned();
    (!exists(&clean)).then_some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_titles_and_none_are_seen_but_not_inside_code() {
        assert_eq!(check("a.md", "# One\n\n# Two\n", |_| true).len(), 1);
        assert_eq!(check("a.md", "text\n", |_| true).len(), 1);
        assert!(check("a.md", "# One\n```sh\n# comment\n```\n", |_| true).is_empty());
    }

    #[test]
    fn links_are_followed_from_the_page_they_stand_on() {
        let exists = |path: &str| path == "docs/limits.md";
        assert!(
            check(
                "docs/clients/a.md",
                "# A\n[l](../limits.md#x) [w](https://x.y) [h](#h)\n",
                exists
            )
            .is_empty()
        );
        assert!(check("docs/a.md", "# A\n[gone](../limits.md)\n", exists)[0].contains("a.md:2:"));
        assert_eq!(check("a.md", "# A\n[out](../../x)\n", |_| true).len(), 1);
    }

    #[test]
    fn a_changelog_needs_its_headings() {
        assert!(changelog("# Changelog\n\n## Unreleased\n\n### Safety\n").is_empty());
        assert_eq!(changelog("# Changelog\n\n## Unreleased\n\n## 1.0\n\n### Safety\n").len(), 1);
        assert_eq!(changelog("# Changelog\n").len(), 1);
    }
}
