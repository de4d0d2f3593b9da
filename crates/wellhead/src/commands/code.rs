//! `wellhead code`: a whole consumer of a task's topic, filled in, by the API.
//!
//! Standard output is the program and nothing else, so that it can go into a file; what is left to do is said beside.

use std::fs;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::json;
use service::{Program, ProgramFile};

use super::task::path as task_path;
use crate::cli::{CodeArgs, Global};
use crate::client::{Client, segment};
use crate::exit::Failure;
use crate::output::{Answer, for_this_server};

pub(super) async fn run(global: &Global, args: &CodeArgs) -> Result<Answer> {
    let client = Client::new(global)?;
    let answer = program(&client, global, args).await;
    answer.map_err(|error| Failure::with_list(error, "wellhead task list"))
}

/// The answer for one client.
pub(super) async fn program(client: &Client, global: &Global, args: &CodeArgs) -> Result<Answer> {
    let program: Program = client.get(&path(args)).await?;
    if !global.quiet {
        say(global, &program.notes)?;
    }
    match &args.into {
        Some(folder) => write(folder, &program),
        None => {
            let text = program.files.first().map(|file| file.text.clone()).unwrap_or_default();
            Ok(Answer::data(text, json!(program)))
        }
    }
}

fn path(args: &CodeArgs) -> String {
    let mut path = format!("{}/code/{}", task_path(&args.task), segment(&args.client));
    for (name, value) in [("group", &args.group), ("listener", &args.listener)] {
        if let Some(value) = value {
            let separator = if path.contains('?') { '&' } else { '?' };
            path.push_str(&format!("{separator}{name}={}", segment(value)));
        }
    }
    path
}

fn say(global: &Global, notes: &[String]) -> Result<()> {
    let text: String = notes.iter().map(|note| format!("{note}\n")).collect();
    let text = for_this_server(global, &text);
    std::io::stderr().write_all(text.as_bytes()).context("the terminal cannot be written")
}

/// Writes all files, and replaces none.
fn write(folder: &Path, program: &Program) -> Result<Answer> {
    let mut written = Vec::with_capacity(program.files.len());
    for file in &program.files {
        let path = below(folder, file)?;
        // The schema is the same for all programs.
        if path.exists() && fs::read_to_string(&path).is_ok_and(|text| text == file.text) {
            continue;
        }
        if path.exists() {
            bail!(Failure::usage(format!(
                "{} exists and is another one; give another folder",
                path.display()
            )));
        }
        written.push((path, file));
    }
    for (path, file) in &written {
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .with_context(|| format!("{} cannot be made", parent.display()))?;
        fs::write(path, &file.text)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let start = folder.join(&program.client);
    let commands: String = program.run.lines().map(|line| format!("  {line}\n")).collect();
    let text = format!("the program is in {}; start it there with:\n{commands}", start.display());
    let files: Vec<_> = program.files.iter().map(|file| file.path.as_str()).collect();
    Ok(Answer::data(text, json!({ "folder": start, "files": files, "run": program.run })))
}

/// The file's path below the folder. The server is believed in much, but not in where it writes.
fn below(folder: &Path, file: &ProgramFile) -> Result<PathBuf> {
    let path = Path::new(&file.path);
    if !path.components().all(|part| matches!(part, Component::Normal(_))) {
        bail!("the server names a file outside of the folder: {}", file.path);
    }
    Ok(folder.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> ProgramFile {
        ProgramFile { path: path.into(), text: text.into() }
    }

    fn python(text: &str) -> Program {
        Program {
            client: "python".into(),
            files: vec![file("python/consume.py", text), file("record.avsc", "[]")],
            run: "python3 consume.py\n".into(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_program_is_written_with_what_it_needs_and_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let answer = write(folder.path(), &python("one")).unwrap();
        assert!(answer.text.ends_with("start it there with:\n  python3 consume.py\n"));
        let read = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap();
        assert_eq!((read("python/consume.py"), read("record.avsc")), ("one".into(), "[]".into()));
        write(folder.path(), &python("one")).unwrap();
        let refused = write(folder.path(), &python("two")).unwrap_err().to_string();
        assert!(refused.contains("exists and is another one"), "{refused}");
        assert_eq!(read("python/consume.py"), "one");
    }

    #[test]
    fn a_server_does_not_write_outside_of_the_folder() {
        for path in ["../x", "/etc/x", "python/../../x"] {
            assert!(below(Path::new("here"), &file(path, "")).is_err(), "{path}");
        }
    }

    #[test]
    fn names_are_escaped_in_the_question() {
        let args = CodeArgs {
            task: "shop".into(),
            client: "python".into(),
            group: Some("a b".into()),
            listener: Some("public".into()),
            into: None,
        };
        assert!(path(&args).ends_with("/tasks/shop/code/python?group=a%20b&listener=public"));
    }
}
