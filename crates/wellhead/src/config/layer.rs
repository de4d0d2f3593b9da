//! Lays defaults, files, environment and flags over each other.

use std::path::{Path, PathBuf};

use super::document::{self, Document};
use super::fault::suggestion;
use super::key::{Kind, SECTIONS, VARIABLE_PREFIX, variable};
use super::reference;
use super::setting::{Object, Setting, Settings, Value};
use super::{Fault, Inputs, Origin, read_text};

/// What holds after all layers, not yet typed.
#[derive(Debug, Clone, Default)]
pub(super) struct Layers {
    pub(super) sections: Settings,
    pub(super) objects: Vec<(Kind, Object)>,
}

impl Layers {
    pub(super) fn read(inputs: &Inputs, faults: &mut Vec<Fault>) -> Self {
        let mut layers = Self::default();
        for key in SECTIONS {
            if let Some(value) = document::read_default(key) {
                layers.sections.insert(key.path.into(), Setting::new(value, Origin::Default));
            }
        }
        for path in inputs.file.iter().flat_map(|file| files(file, faults)).collect::<Vec<_>>() {
            let name = path.display().to_string();
            match read_text(&path) {
                Ok(text) => {
                    let document = document::read(&name, &text, faults);
                    layers.add(document, faults);
                }
                Err(reason) => {
                    let origin = Origin::File { path: name, line: None };
                    faults.push(Fault::new(&origin, format!("cannot be read: {reason}")));
                }
            }
        }
        layers.add_environment(inputs, faults);
        layers.add_flags(inputs, faults);
        layers.resolve(inputs, faults);
        layers
    }

    /// The keys that others have otherwise, and the objects that only one side has.
    pub(super) fn changed(&self, other: &Self) -> Vec<String> {
        let differs = |key: &&str, mine: &Settings, theirs: &Settings| {
            let value = |settings: &Settings| settings.get(*key).map(|s| s.value.clone());
            value(mine) != value(theirs)
        };
        let keys = SECTIONS.iter().map(|key| key.path);
        let mut changed: Vec<String> = keys
            .filter(|key| differs(key, &self.sections, &other.sections))
            .map(str::to_owned)
            .collect();
        for (kind, object) in &self.objects {
            let name = full_name(*kind, object);
            let Some(theirs) = other.object(*kind, object) else {
                changed.push(name);
                continue;
            };
            let keys = kind.keys().iter().map(|key| key.path);
            let otherwise = keys.filter(|key| differs(key, &object.settings, &theirs.settings));
            changed.extend(otherwise.map(|key| format!("{name}.{key}")));
        }
        let added =
            other.objects.iter().filter(|(kind, object)| self.object(*kind, object).is_none());
        changed.extend(added.map(|(kind, object)| full_name(*kind, object)));
        changed
    }

    /// The object of the same name.
    fn object(&self, kind: Kind, like: &Object) -> Option<&Object> {
        let name = identity_values(kind, like);
        let same = |(other, object): &&(Kind, Object)| {
            *other == kind && identity_values(kind, object) == name
        };
        self.objects.iter().find(same).map(|(_, object)| object)
    }

    /// Settings of a later file win, key by key; objects are the same if their names are.
    fn add(&mut self, document: Document, faults: &mut Vec<Fault>) {
        self.sections.extend(document.sections);
        let mut added: Vec<(Kind, Object)> = Vec::new();
        for (kind, object) in document.objects {
            let Some(identity) = identity(kind, &object, faults) else { continue };
            let same = |(other, kept): &&mut (Kind, Object)| {
                *other == kind && identity_values(kind, kept).as_ref() == Some(&identity)
            };
            if let Some((_, first)) = added.iter_mut().find(same) {
                let name = identity.join("/");
                let message = format!(
                    "{} \"{name}\" is defined twice; first at {}",
                    kind.as_str(),
                    first.origin
                );
                faults.push(Fault::new(&object.origin, message));
            } else if let Some((_, kept)) = self.objects.iter_mut().find(same) {
                kept.settings.extend(object.settings);
            } else {
                added.push((kind, object));
            }
        }
        self.objects.append(&mut added);
    }

    fn add_environment(&mut self, inputs: &Inputs, faults: &mut Vec<Fault>) {
        for (name, text) in &inputs.environment {
            let is_key = name.strip_prefix(VARIABLE_PREFIX).is_some_and(|rest| rest.contains("__"));
            if !is_key {
                continue;
            }
            let origin = Origin::Environment(name.clone());
            let Some(key) = SECTIONS.iter().find(|key| variable(key.path) == *name) else {
                let names: Vec<_> = SECTIONS.iter().map(|key| variable(key.path)).collect();
                let guess = suggestion(name, names.iter().map(String::as_str));
                faults.push(Fault::new(&origin, format!("there is no such key{guess}")));
                continue;
            };
            self.set(key.path, document::read_value(key.shape, text), origin, faults);
        }
    }

    fn add_flags(&mut self, inputs: &Inputs, faults: &mut Vec<Fault>) {
        for flag in &inputs.flags {
            let origin = Origin::Flag(flag.name);
            match SECTIONS.iter().find(|key| key.path == flag.key) {
                Some(key) => {
                    let value = document::read_value(key.shape, &flag.value);
                    self.set(key.path, value, origin, faults);
                }
                None => faults.push(Fault::new(&origin, "there is no such key")),
            }
        }
    }

    fn set(
        &mut self,
        path: &str,
        value: Result<Value, String>,
        origin: Origin,
        faults: &mut Vec<Fault>,
    ) {
        match value {
            Ok(value) => {
                self.sections.insert(path.into(), Setting::new(value, origin));
            }
            Err(expected) => faults.push(Fault::new(&origin, format!("{path} {expected}"))),
        }
    }

    /// Only what holds in the end is resolved: a variable that a flag overrides may be missing.
    fn resolve(&mut self, inputs: &Inputs, faults: &mut Vec<Fault>) {
        let objects = self.objects.iter_mut().map(|(_, object)| &mut object.settings);
        for settings in std::iter::once(&mut self.sections).chain(objects) {
            for setting in settings.values_mut() {
                if inputs.without_secrets && setting.value.has_reference() {
                    setting.resolved = false;
                    continue;
                }
                if let Err(messages) = resolve_value(&mut setting.value, inputs) {
                    setting.resolved = false;
                    faults.extend(messages.iter().map(|m| Fault::new(&setting.origin, m)));
                }
            }
        }
    }
}

fn resolve_value(value: &mut Value, inputs: &Inputs) -> Result<(), Vec<String>> {
    let texts = match value {
        Value::Text(text) => std::slice::from_mut(text),
        Value::List(texts) => texts.as_mut_slice(),
        Value::Number(_) => &mut [],
    };
    let mut missing = Vec::new();
    for text in texts {
        match reference::resolve(text, &inputs.environment) {
            Ok(resolved) => *text = resolved,
            Err(messages) => missing.extend(messages),
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(missing) }
}

/// The file and `conf.d/*.toml` beside it, by name.
fn files(file: &Path, faults: &mut Vec<Fault>) -> Vec<PathBuf> {
    let folder = file.with_file_name("conf.d");
    let mut more = Vec::new();
    match std::fs::read_dir(&folder) {
        Ok(entries) => {
            let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
            more.extend(paths.filter(|path| path.extension().is_some_and(|end| end == "toml")));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            let origin = Origin::File { path: folder.display().to_string(), line: None };
            faults.push(Fault::new(&origin, format!("cannot be read: {error}")));
        }
    }
    more.sort();
    std::iter::once(file.to_owned()).chain(more).collect()
}

/// Names as written: two objects are the same only if their names are spelled the same.
fn identity_values(kind: Kind, object: &Object) -> Option<Vec<String>> {
    let text = |path: &&str| match object.settings.get(*path)?.written {
        Value::Text(ref text) => Some(text.clone()),
        _ => None,
    };
    kind.identity().iter().map(text).collect()
}

/// Like `[[task]] shop`.
fn full_name(kind: Kind, object: &Object) -> String {
    let name = identity_values(kind, object).unwrap_or_default().join("/");
    format!("[[{}]] {name}", kind.as_str())
}

fn identity(kind: Kind, object: &Object, faults: &mut Vec<Fault>) -> Option<Vec<String>> {
    let values = identity_values(kind, object);
    if values.is_none() {
        for path in kind.identity().iter().filter(|path| !object.settings.contains_key(**path)) {
            let message = format!("[[{}]] needs the key \"{path}\"", kind.as_str());
            faults.push(Fault::new(&object.origin, message));
        }
    }
    values
}
