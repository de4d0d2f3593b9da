//! Rules for any text file, and for sizes.

/// Larger files are data; data is made by a script or lives elsewhere.
pub const BYTES_MAX: u64 = 200 * 1024;

/// How long a loop that waits on a condition may rest between two looks.
const TICK_MS_MAX: u32 = 20;

/// Marks of unfinished work, split so that this file does not complain about itself.
const UNFINISHED: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
/// Folders of somebody's machine.
const MACHINE_PATHS: [&str; 3] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/opt/w", "h")];

/// Complaints about one file's size.
#[must_use]
pub fn size(path: &str, bytes: u64) -> Option<String> {
    let generated = matches!(path, "Cargo.lock" | "fuzz/Cargo.lock");
    (bytes > BYTES_MAX && !generated).then(|| {
        format!("{path}: {bytes} bytes, {BYTES_MAX} at most: a clone carries every blob for ever")
    })
}

/// Complaints about one file's words.
#[must_use]
pub fn check(path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        for mark in UNFINISHED {
            let mut parts = line.split(|c: char| !c.is_alphanumeric());
            if parts.any(|part| part == mark) {
                complaints.push(format!("{path}:{number}: {mark}: finish it, or open an issue"));
            }
        }
        for folder in MACHINE_PATHS {
            if line.contains(folder) {
                complaints.push(format!("{path}:{number}: {folder} is a path of one machine"));
            }
        }
        if is_test(path) && pauses(line) {
            complaints.push(format!(
                "{path}:{number}: a test waits on a condition with a deadline: a fixed time is too long on most \
                 runs and too short on one"
            ));
        }
    }
    complaints
}

/// A pause that is longer than a tick of a loop which looks at a condition.
fn pauses(line: &str) -> bool {
    let Some((_, pause)) = line.split_once(concat!("sl", "eep(")) else { return false };
    let tick_ms = pause.split_once("from_millis(").and_then(|(_, rest)| rest.split_once(')'));
    tick_ms.and_then(|(ms, _)| ms.parse::<u32>().ok()).is_none_or(|ms| ms > TICK_MS_MAX)
}

fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("tests.rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_work_and_machine_paths_are_seen() {
        let bad =
            [concat!("// TO", "DO: later"), concat!("# FIX", "ME"), concat!("cd /wo", "rk/x")];
        for line in bad {
            assert_eq!(check("a.rs", line).len(), 1, "{line}");
        }
        assert!(check("a.rs", "a method of todos in XXXL and network/x").is_empty());
    }

    #[test]
    fn fixed_pauses_are_seen_in_tests_alone() {
        let pause = concat!("time.sl", "eep(1)");
        assert_eq!(check("tests/test_a.py", pause).len(), 1);
        assert_eq!(check("crates/x/src/a/tests.rs", pause).len(), 1);
        assert!(check("crates/x/src/a.rs", pause).is_empty());
        let tick = |ms: u32| format!("sl{}(Duration::from_millis({ms})).await;", "eep");
        assert!(check("crates/x/src/tests/a.rs", &tick(TICK_MS_MAX)).is_empty());
        assert_eq!(check("crates/x/src/tests/a.rs", &tick(TICK_MS_MAX + 1)).len(), 1);
    }

    #[test]
    fn blobs_are_seen() {
        assert!(size("a.bin", BYTES_MAX + 1).is_some() && size("a.bin", BYTES_MAX).is_none());
        assert!(size("Cargo.lock", BYTES_MAX + 1).is_none());
    }
}
