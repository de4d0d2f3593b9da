//! Applies every rule to this repository.

use std::collections::BTreeSet;

use tidy::{calls, codes, crates, manifests, pages, rust, texts, tree};

/// Crates of the workspace that are no rooms of the product.
const OUTSIDE: [&str; 1] = ["tidy"];

fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

fn files() -> Vec<tree::File> {
    tree::files().expect("git lists the files")
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(tree::root().join(path)).ok()
}

/// (path, text) of the files with this ending.
fn texts_of<'a>(files: &'a [tree::File], ending: &str) -> Vec<(&'a str, &'a str)> {
    files
        .iter()
        .filter(|file| file.path.ends_with(ending))
        .filter_map(|file| Some((file.path.as_str(), file.text.as_deref()?)))
        .collect()
}

#[test]
fn crates_use_each_other_as_architecture_says() {
    let page = read("ARCHITECTURE.md").unwrap();
    let edges = crates::edges(&tree::metadata().unwrap());
    assert!(edges.len() > OUTSIDE.len());
    assert_none(&crates::compare(&crates::table(&page), &edges, &OUTSIDE));
}

#[test]
fn dependencies_stand_in_one_table() {
    let files = files();
    let mut complaints = Vec::new();
    for (path, text) in texts_of(&files, "Cargo.toml") {
        match path {
            "Cargo.toml" => complaints.extend(manifests::workspace_manifest(path, text)),
            path if path.starts_with("crates/") => {
                complaints.extend(manifests::crate_manifest(path, text))
            }
            _ => {}
        }
    }
    assert_none(&complaints);
}

#[test]
fn rust_files_follow_the_house_style() {
    let files = files();
    let sources = texts_of(&files, ".rs");
    assert!(sources.len() > 10);
    let mut complaints = rust::dead_files(&sources);
    for (path, text) in sources {
        complaints.extend(rust::check(path, text));
    }
    assert_none(&complaints);
}

#[test]
fn pages_have_one_title_and_links_that_lead_somewhere() {
    let files = files();
    let exists = |path: &str| tree::root().join(path).exists();
    let mut complaints = Vec::new();
    for (path, text) in texts_of(&files, ".md") {
        complaints.extend(pages::check(path, text, exists));
    }
    complaints.extend(pages::changelog(&read("CHANGELOG.md").unwrap()));
    assert_none(&complaints);
}

#[test]
fn each_reason_why_a_task_fails_has_its_choices_told() {
    const PAGE: &str = "docs/when-a-task-fails.md";
    let files = files();
    let makes_codes = |path: &str| {
        let of_sources = path.starts_with("crates/mysql/src/source/")
            || path.starts_with("crates/mysql/src/connection/")
            || path == "crates/wellhead/src/sources.rs";
        let of_tasks = path.starts_with("crates/task/src/") && !path.contains("/verify/");
        (of_sources || of_tasks) && !path.contains("tests")
    };
    let sources = texts_of(&files, ".rs").into_iter().filter(|(path, _)| makes_codes(path));
    let found = sources.flat_map(|(_, text)| codes::codes(text)).collect::<BTreeSet<_>>();
    assert!(found.len() > 20, "{found:?}");
    assert_none(&codes::compare(&found, &codes::sections(&read(PAGE).unwrap()), PAGE));
}

#[test]
fn the_way_of_a_change_can_be_followed() {
    let page = read("docs/way-of-a-change.md").unwrap();
    assert_none(&calls::check(&calls::calls(&page), read));
}

#[test]
fn files_are_small_finished_and_at_home_anywhere() {
    let mut complaints = Vec::new();
    for file in files() {
        complaints.extend(texts::size(&file.path, file.bytes));
        if let Some(text) = &file.text {
            complaints.extend(texts::check(&file.path, text));
        }
    }
    assert_none(&complaints);
}
