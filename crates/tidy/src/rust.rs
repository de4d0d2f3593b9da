//! Rules for Rust files, on their lines. They lean on rustfmt: a body ends where its indentation ends.

/// A file longer than this has more than one idea in it.
pub const FILE_LINES_MAX: usize = 800;
/// A function longer than this does not fit a screen any more.
pub const FUNCTION_LINES_MAX: usize = 110;
/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 6] = ["utils", "util", "common", "helpers", "types", "manager"];
/// The one place for `unsafe`, and the one that talks about time.
const UNSAFE_ROOM: &str = "crates/log/src/sys";
const CLOCK: &str = "crates/change/src/clock.rs";

/// Complaints about one file.
#[must_use]
pub fn check(path: &str, text: &str) -> Vec<String> {
    let code = product_lines(path, text);
    let mut complaints = Vec::new();
    complaints.extend(module_doc(path, text));
    complaints.extend(empty_name(path));
    complaints.extend(length(code.len()));
    complaints.extend(functions(&code));
    complaints.extend(words(path, &code));
    complaints.into_iter().map(|complaint| format!("{path}:{complaint}")).collect()
}

/// Complaints about source files that no `mod` line leads to. `files` are (path, text).
#[must_use]
pub fn dead_files(files: &[(&str, &str)]) -> Vec<String> {
    let declared = |parent: &str, name: &str| {
        let text = files.iter().find(|(path, _)| *path == parent).map_or("", |(_, text)| text);
        text.lines().any(|line| line.trim_end().ends_with(&format!("mod {name};")))
    };
    let mut complaints = Vec::new();
    for (path, _) in files {
        let Some((folder, file)) = path.rsplit_once('/') else { continue };
        let Some(stem) = file.strip_suffix(".rs") else { continue };
        let inside_src = path.contains("/src/") && !path.contains("/src/bin/");
        if !inside_src || matches!(stem, "lib" | "main") {
            continue;
        }
        let (folder, stem) = match (stem, folder.rsplit_once('/')) {
            ("mod", Some((above, name))) => (above, name),
            _ => (folder, stem),
        };
        let parents = ["lib.rs", "main.rs", "mod.rs"].map(|name| format!("{folder}/{name}"));
        let named = format!("{folder}.rs");
        if !parents.iter().chain([&named]).any(|parent| declared(parent, stem)) {
            complaints.push(format!(
                "{path}: no `mod {stem};` leads here, so nobody compiles it: remove it"
            ));
        }
    }
    complaints
}

/// The lines outside of tests, with their numbers.
fn product_lines<'a>(path: &str, text: &'a str) -> Vec<(usize, &'a str)> {
    if is_test_file(path) {
        return Vec::new();
    }
    let mut lines: Vec<(usize, &str)> =
        text.lines().enumerate().map(|(i, line)| (i + 1, line)).collect();
    let tests = lines.windows(2).position(|pair| {
        matches!(pair, [(_, attribute), (_, module)]
            if *attribute == "#[cfg(test)]" && module.starts_with("mod ") && module.ends_with('{'))
    });
    if let Some(start) = tests {
        lines.truncate(start);
    }
    lines
}

fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.starts_with("tests/")
}

fn module_doc(path: &str, text: &str) -> Option<String> {
    if is_test_file(path) {
        return None; // the names of its tests say what it is for
    }
    let first = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with("#!["))?;
    (!first.starts_with("//!")).then(|| {
        "1: a module starts with `//!`: what it is for, what it leaves to others, which spec it follows".into()
    })
}

fn empty_name(path: &str) -> Option<String> {
    let stem = path.trim_end_matches("/mod.rs").trim_end_matches(".rs").rsplit('/').next()?;
    EMPTY_NAMES.contains(&stem).then(|| {
        format!(
            "1: `{stem}` is no idea of this field: name the module after what its code is about"
        )
    })
}

fn length(lines: usize) -> Option<String> {
    (lines > FILE_LINES_MAX).then(|| {
        format!("{lines}: {lines} lines, {FILE_LINES_MAX} at most: find the second idea and give it a file")
    })
}

/// Functions that are too long, by the indentation that rustfmt gives them.
fn functions(lines: &[(usize, &str)]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (index, (number, line)) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indentation = line.len() - line.trim_start().len();
        let rest = lines.get(index..).unwrap_or_default();
        let ends = |candidate: &str| {
            let own = candidate.len() - candidate.trim_start().len() == indentation;
            own && (candidate.trim_start().starts_with('}') || candidate.ends_with(';'))
        };
        let one_line = line.ends_with(';') || line.ends_with('}');
        let length = if one_line {
            1
        } else {
            rest.iter().position(|(_, candidate)| ends(candidate)).map_or(1, |end| end + 1)
        };
        if length > FUNCTION_LINES_MAX {
            complaints.push(format!(
                "{number}: fn {name} has {length} lines, {FUNCTION_LINES_MAX} at most: a function is one level \
                 of abstraction and fits a screen"
            ));
        }
    }
    complaints
}

fn function_name(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    loop {
        let word = words.next()?;
        match word {
            "fn" => return words.next()?.split(['(', '<']).next(),
            "const" | "async" | "unsafe" | "extern" | "\"C\"" => {}
            word if word.starts_with("pub") || word.ends_with(')') => {}
            _ => return None,
        }
    }
}

fn words(path: &str, lines: &[(usize, &str)]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (number, line) in lines {
        let code = code_of(line);
        let has = |word: &str| {
            code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word)
        };
        if has("unsafe") && !path.starts_with(UNSAFE_ROOM) {
            complaints.push(format!(
                "{number}: `unsafe` lives in {UNSAFE_ROOM} alone, where it is reviewed"
            ));
        }
        if code.contains("SystemTime::now") && path != CLOCK {
            complaints.push(format!("{number}: time is a parameter: take a change::Clock"));
        }
        if has("unbounded_channel")
            || code.contains("mpsc::channel::<")
            || code.contains("= mpsc::channel();")
        {
            complaints.push(format!(
                "{number}: an unbounded channel has no limit but the machine's memory"
            ));
        }
        if code.contains("process::exit") && path != "crates/wellhead/src/main.rs" {
            complaints
                .push(format!("{number}: only main ends the process, after everything was joined"));
        }
    }
    complaints
}

/// A line without its comment and without what stands in string literals.
fn code_of(line: &str) -> String {
    let mut code = String::with_capacity(line.len());
    let mut rest = line.chars().peekable();
    let mut inside = false;
    while let Some(c) = rest.next() {
        match c {
            '\\' if inside => drop(rest.next()),
            '\'' if !inside && rest.peek() == Some(&'"') => drop(rest.next()),
            '"' => inside = !inside,
            '/' if !inside && rest.peek() == Some(&'/') => break,
            c if !inside => code.push(c),
            _ => {}
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(path: &str, text: &str) -> String {
        let complaints = check(path, text);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        complaints.into_iter().next().unwrap()
    }

    #[test]
    fn a_module_without_a_doc_is_seen() {
        assert!(only("crates/x/src/a.rs", "use std::fs;\n").contains("starts with `//!`"));
        assert!(check("crates/x/src/a.rs", "#![no_std]\n//! Doc.\n").is_empty());
    }

    #[test]
    fn an_empty_name_is_seen() {
        assert!(only("crates/x/src/utils.rs", "//! Doc.\n").contains("utils"));
        assert!(only("crates/x/src/common/mod.rs", "//! Doc.\n").contains("common"));
    }

    #[test]
    fn a_long_file_is_seen_but_its_tests_do_not_count() {
        let long = format!("//! Doc.\n{}", "const A: u8 = 1;\n".repeat(FILE_LINES_MAX));
        assert!(only("crates/x/src/a.rs", &long).contains("801 lines"));
        let tests = "const A: u8 = 1;\n".repeat(FILE_LINES_MAX);
        assert!(
            check(
                "crates/x/src/a.rs",
                &format!("//! Doc.\n#[cfg(test)]\nmod tests {{\n{tests}}}\n")
            )
            .is_empty()
        );
        assert!(check("crates/x/src/tests.rs", &long).is_empty());
    }

    #[test]
    fn a_long_function_is_seen_and_a_trait_method_is_not() {
        let body = "        step();\n".repeat(FUNCTION_LINES_MAX);
        let text = format!(
            "//! Doc.\nimpl A {{\n    pub(crate) async fn go(&self) {{\n{body}    }}\n}}\n"
        );
        assert!(only("crates/x/src/a.rs", &text).contains("fn go has 112 lines"));
        let short = format!("//! Doc.\ntrait A {{\n    fn go(\n        &self,\n    );\n{body}}}\n");
        assert!(check("crates/x/src/a.rs", &short).is_empty());
    }

    #[test]
    fn banned_words_are_seen_in_code_alone() {
        let bad = [
            "unsafe { x() }",
            "let t = SystemTime::now();",
            "let (a, b) = mpsc::channel();",
            "process::exit(1);",
        ];
        for line in bad {
            let with = |line: &str| check("crates/x/src/a.rs", &format!("//! Doc.\n{line}\n"));
            assert_eq!(with(line).len(), 1, "{line}");
            for quiet in [format!("// {line}"), format!(r#"say("\"{line}");"#)] {
                assert!(with(&quiet).is_empty(), "{quiet}");
            }
            assert_eq!(with(&format!("x('\"'); {line} // '\"'")).len(), 1, "{line}");
        }
        assert!(check("crates/log/src/sys.rs", "//! Doc.\nunsafe { x() }\n").is_empty());
        assert!(check("crates/x/src/a.rs", "//! Doc.\n#![deny(unsafe_code)]\n").is_empty());
    }

    #[test]
    fn a_file_that_nobody_compiles_is_seen() {
        let tree = [
            ("crates/x/src/lib.rs", "mod a;\npub mod b;\n"),
            ("crates/x/src/a.rs", "mod inner;\n"),
            ("crates/x/src/a/inner.rs", ""),
            ("crates/x/src/b/mod.rs", ""),
            ("crates/x/src/lost.rs", ""),
        ];
        let complaints = dead_files(&tree);
        assert!(
            complaints.len() == 1 && complaints[0].starts_with("crates/x/src/lost.rs"),
            "{complaints:?}"
        );
    }
}
