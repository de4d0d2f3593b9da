//! The files of the repository, as git sees them: tracked or new, but not ignored.

use std::path::{Path, PathBuf};
use std::process::Command;

/// One file of the repository.
#[derive(Debug)]
pub struct File {
    /// Path from the repository's root, with `/`.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Content, or `None` when it is not UTF-8.
    pub text: Option<String>,
}

/// The repository's root folder.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All files that exist now.
///
/// # Errors
/// git cannot be run here.
pub fn files() -> Result<Vec<File>, String> {
    let list = run("git", &["ls-files", "--cached", "--others", "--exclude-standard", "-z"])?;
    let mut files = Vec::new();
    for path in list.split('\0').filter(|path| !path.is_empty()) {
        let Ok(content) = std::fs::read(root().join(path)) else {
            continue; // deleted, but not yet committed as such
        };
        let bytes = content.len() as u64;
        files.push(File { path: path.into(), bytes, text: String::from_utf8(content).ok() });
    }
    Ok(files)
}

/// What cargo says about the workspace.
///
/// # Errors
/// cargo cannot be run here, or a manifest is broken.
pub fn metadata() -> Result<serde_json::Value, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let text = run(&cargo, &["metadata", "--no-deps", "--offline", "--format-version", "1"])?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output()
        .map_err(|error| format!("{program} cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("{program} failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}
