//! Parses `[[source]]`, `[[task]]` and `[[group]]` into what the catalog keeps.

use std::collections::BTreeMap;
use std::path::Path;

use capture::Selection;
use catalog::{GroupSpec, Operations, Secret, SourceSpec, StartAt, TaskSpec};
use change::{Clock, SourceName, SystemClock, TaskName, TopicName, UnixTime};

use super::fault::suggestion;
use super::key::Kind;
use super::reader::Reader;
use super::section::{fetch_rate, max_bytes, one_of, path, retention};
use super::setting::Object;
use super::url::clean_url;
use super::{Fault, read_text};

/// The objects, in the order of files and lines.
#[derive(Debug, Default)]
pub(super) struct Objects {
    pub(super) sources: Vec<SourceSpec>,
    pub(super) tasks: Vec<TaskSpec>,
    pub(super) groups: Vec<GroupSpec>,
}

/// Types all objects and looks whether what they name exists.
pub(super) fn build(
    objects: &[(Kind, Object)],
    without_secrets: bool,
    faults: &mut Vec<Fault>,
) -> Objects {
    let mut built = Objects::default();
    let names = |wanted: Kind| -> Vec<&str> {
        let same = objects.iter().filter(|(kind, _)| *kind == wanted);
        same.filter_map(|(_, object)| text(object, "name")).collect()
    };
    let (sources, tasks) = (names(Kind::Source), names(Kind::Task));
    let mut topics = BTreeMap::new();
    for (kind, object) in objects {
        let mut reader = Reader {
            settings: &object.settings,
            keys: kind.keys(),
            place: format!("[[{}]]", kind.as_str()),
            origin: &object.origin,
            without_secrets,
            faults,
        };
        match kind {
            Kind::Listener => {}
            Kind::Source => built.sources.extend(source(&mut reader)),
            Kind::Task => {
                must_be_known(&mut reader, "source", &sources);
                let Some(task) = task(&mut reader, SystemClock.now()) else { continue };
                if let Some(other) = topics.insert(task.topic.clone(), task.name.clone()) {
                    let message =
                        format!("topic \"{}\" is that of task \"{other}\" already", task.topic);
                    reader.fault("topic", message);
                }
                built.tasks.push(task);
            }
            Kind::Group => {
                must_be_known(&mut reader, "task", &tasks);
                built.groups.extend(group(&mut reader));
            }
        }
    }
    built
}

fn source(reader: &mut Reader<'_>) -> Option<SourceSpec> {
    let name = reader.required("name", |text| SourceName::new(text).map_err(|e| e.rule.into()));
    let kind =
        reader.required("kind", |text| one_of(text, &[("mysql", "mysql"), ("mariadb", "mariadb")]));
    let url = reader.required("url", |text| clean_url(text).map_err(|e| e.to_string()));
    let tls = reader.optional("tls", |text| {
        text.parse::<catalog::TlsMode>().map_err(|_| {
            "it is disable or prefer or require or verify-ca or verify-full".to_owned()
        })
    });
    let ca = reader.optional("ca", path);
    let server_id = reader.optional("server_id", server_id);
    let password = password(reader);
    let url = url?;
    let twice = [
        ("tls", tls.is_some() && url.tls.is_some()),
        ("ca", ca.is_some() && url.ca.is_some()),
        ("password", password.is_some() && url.password.is_some()),
    ];
    for (key, _) in twice.iter().filter(|(_, twice)| *twice) {
        reader.fault("url", format!("{} holds {key} too; give it once", reader.name("url")));
    }
    Some(SourceSpec {
        name: name?,
        kind: kind?.into(),
        url: url.url,
        password: password.or(url.password),
        tls: tls.or(url.tls).unwrap_or_default(),
        ca: ca.or(url.ca),
        server_id: server_id.flatten(),
        owner: Some(reader.origin.to_string()),
    })
}

/// A relative start is counted from `now`.
fn task(reader: &mut Reader<'_>, now: UnixTime) -> Option<TaskSpec> {
    let name = reader.required("name", |text| TaskName::new(text).map_err(|e| e.rule.into()));
    let source = reader.required("source", |text| SourceName::new(text).map_err(|e| e.rule.into()));
    let topic = reader.optional("topic", |text| TopicName::new(text).map_err(|e| e.rule.into()));
    let include = patterns(reader, "tables");
    let exclude = patterns(reader, "exclude");
    if include.is_empty() && !reader.is_unknown("tables") {
        reader.fault("tables", "[[task]] needs the key \"tables\", like [\"shop.*\"]");
    }
    let operations = operations(reader);
    let start = reader
        .optional("start", |text| StartAt::parse(text, now).map_err(|error| error.rule.to_owned()));
    let title = reader.optional("title", |text| Ok(text.to_owned()));
    let statements = reader.optional("ddl_scope", |text| text.parse().map_err(str::to_owned));
    let on_table_error =
        reader.optional("on_table_error", |text| text.parse().map_err(str::to_owned));
    let retention = reader.optional("keep.retention", retention);
    let max_bytes = reader.optional("keep.max_bytes", max_bytes);
    let name = name?;
    Some(TaskSpec {
        source: source?,
        topic: match topic {
            Some(topic) => topic,
            None => TopicName::new(name.as_str()).ok()?,
        },
        name,
        title: title.unwrap_or_default(),
        include,
        exclude,
        operations: operations?,
        statements: statements.unwrap_or_default(),
        on_table_error: on_table_error.unwrap_or_default(),
        start: start.unwrap_or_default(),
        retention,
        max_bytes: max_bytes.flatten(),
        owner: Some(reader.origin.to_string()),
    })
}

fn group(reader: &mut Reader<'_>) -> Option<GroupSpec> {
    let task = reader.required("task", |text| TaskName::new(text).map_err(|e| e.rule.into()));
    let name = reader.required("name", |text| Ok(text.to_owned()));
    let account = reader.required("user", |text| Ok(text.to_owned()));
    let given = ["password", "password_file"].iter().any(|key| reader.settings.contains_key(*key));
    if !given {
        reader.fault("", "[[group]] needs the key \"password_file\" or \"password\"");
    }
    let password = password(reader);
    let fetch_rate = reader.optional("fetch_rate", fetch_rate);
    let owner = Some(reader.origin.to_string());
    let spec = GroupSpec {
        task: task?,
        name: name?,
        account: account?,
        password: password?,
        fetch_rate: fetch_rate.flatten(),
        owner,
    };
    match spec.check() {
        Ok(()) => Some(spec),
        Err(error) => {
            reader.fault("", format!("[[group]] \"{}\": {error}", spec.name));
            None
        }
    }
}

/// From `password` or from the file that `password_file` names, without the newline at its end.
fn password(reader: &mut Reader<'_>) -> Option<Secret> {
    let direct = reader.optional("password", |text| Ok(Secret::new(text)));
    let Some(file) = reader.optional("password_file", |text| Ok(text.to_owned())) else {
        return direct;
    };
    if direct.is_some() {
        reader.fault(
            "password_file",
            format!("{} has password and password_file; give one", reader.place),
        );
        return direct;
    }
    if reader.without_secrets {
        return None;
    }
    match read_text(Path::new(&file)) {
        Ok(text) => Some(Secret::new(text.trim_end_matches(['\r', '\n']))),
        Err(reason) => {
            let message = format!(
                "password_file {file} cannot be read: {reason}. \
                 Mount it, or use password = \"${{env:NAME}}\"."
            );
            reader.fault("password_file", message);
            None
        }
    }
}

fn patterns(reader: &mut Reader<'_>, path: &str) -> Vec<String> {
    let patterns = reader.list(path);
    for pattern in &patterns {
        if let Err(error) = Selection::new(std::slice::from_ref(pattern), &[]) {
            reader.fault(path, format!("{}: {error}", reader.name(path)));
        }
    }
    patterns
}

fn operations(reader: &mut Reader<'_>) -> Option<Operations> {
    if !reader.settings.contains_key("ops") || reader.is_unknown("ops") {
        return Some(Operations::All);
    }
    let given = reader.list("ops");
    let has = |word: &str| given.iter().any(|given| given == word);
    let known = given.iter().all(|given| given == "dml" || given == "ddl");
    match (known, has("dml"), has("ddl")) {
        (true, true, true) => Some(Operations::All),
        (true, true, false) => Some(Operations::Dml),
        (true, false, true) => Some(Operations::Ddl),
        _ => {
            reader.refuse("ops", "it holds \"dml\", \"ddl\", or both");
            None
        }
    }
}

fn server_id(text: &str) -> Result<Option<u32>, String> {
    match text {
        "auto" => Ok(None),
        _ => text
            .parse()
            .ok()
            .filter(|id| *id != 0)
            .map(Some)
            .ok_or_else(|| format!("it is \"auto\", or a number from 1 to {}", u32::MAX)),
    }
}

fn must_be_known(reader: &mut Reader<'_>, path: &str, known: &[&str]) {
    let Some(name) = reader.optional(path, |text| Ok(text.to_owned())) else { return };
    if !known.contains(&name.as_str()) {
        let guess = suggestion(&name, known.iter().copied());
        let message = format!(
            "{} = \"{}\" names no [[{path}]] of the configuration{guess}",
            reader.name(path),
            name.escape_debug()
        );
        reader.fault(path, message);
    }
}

fn text<'a>(object: &'a Object, path: &str) -> Option<&'a str> {
    match &object.settings.get(path)?.value {
        super::setting::Value::Text(text) => Some(text),
        _ => None,
    }
}
