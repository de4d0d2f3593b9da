//! Where dependencies are declared.

/// Complaints about one crate's `Cargo.toml`: every dependency comes from the workspace's table.
#[must_use]
pub fn crate_manifest(path: &str, text: &str) -> Vec<String> {
    dependency_lines(text)
        .filter(|(_, line)| !line.contains("workspace = true"))
        .map(|(number, line)| {
            format!(
                "{path}:{number}: `{line}` does not come from [workspace.dependencies]: versions and features \
                 stand in one place, so that one look shows what the binary is made of"
            )
        })
        .collect()
}

/// Complaints about the workspace's `Cargo.toml`: default features are off, and ours have a path.
#[must_use]
pub fn workspace_manifest(path: &str, text: &str) -> Vec<String> {
    dependency_lines(text)
        .filter(|(_, line)| !line.contains("path = ") && !line.contains("default-features = false"))
        .map(|(number, line)| {
            format!(
                "{path}:{number}: `{line}` takes default features: each feature is chosen and has a reason"
            )
        })
        .collect()
}

fn dependency_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        if line.starts_with('[') {
            inside = line.trim_end_matches(']').ends_with("dependencies");
            return None;
        }
        let declares = inside && !line.trim().is_empty() && !line.starts_with('#');
        declares.then_some((index + 1, line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_in_a_crate_is_seen() {
        let text =
            "[package]\nname = \"x\"\n[dependencies]\nserde.workspace = true\nbytes = \"1\"\n";
        let text = format!("{text}[dev-dependencies]\nrand = {{ version = \"1\" }}\n");
        let complaints = crate_manifest("Cargo.toml", &text);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints[0].starts_with("Cargo.toml:5:"));
    }

    #[test]
    fn default_features_are_seen() {
        let good = "[workspace.dependencies]\na = { path = \"a\" }\nb = { version = \"1\", default-features = false }\n";
        assert!(workspace_manifest("Cargo.toml", good).is_empty());
        assert_eq!(workspace_manifest("Cargo.toml", &format!("{good}c = \"1\"\n")).len(), 1);
    }
}
