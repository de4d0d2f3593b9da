//! The effective configuration as TOML, each key with where it comes from.
//!
//! References are shown as they were written and passwords as `***`, so what was put in by `${file:…}`
//! or by `password` never comes out.

use std::fmt::Write;

use super::key::{Key, SECTIONS, Shape};
use super::layer::Layers;
use super::setting::{Setting, Settings, Value};
use super::url::without_password;

pub(super) fn show(layers: &Layers) -> String {
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut section = "";
    for key in SECTIONS {
        let (name, rest) = key.path.split_once('.').unwrap_or(("", key.path));
        if name != section {
            if !section.is_empty() {
                lines.push(Default::default());
            }
            lines.push((format!("[{name}]"), String::new()));
            section = name;
        }
        if let Some(setting) = layers.sections.get(key.path) {
            lines.push(line(key, rest, setting));
        }
    }
    for (kind, object) in &layers.objects {
        lines.push(Default::default());
        lines.push((format!("[[{}]]", kind.as_str()), object.origin.to_string()));
        lines.extend(object_lines(kind.keys(), &object.settings));
    }
    write(&lines)
}

fn object_lines(keys: &'static [Key], settings: &Settings) -> Vec<(String, String)> {
    keys.iter().filter_map(|key| Some(line(key, key.path, settings.get(key.path)?))).collect()
}

/// Key with value, and origin.
fn line(key: &Key, name: &str, setting: &Setting) -> (String, String) {
    let value = match (key.shape, &setting.written) {
        (Shape::Secret, _) => Value::Text("***".into()),
        (Shape::Url, Value::Text(url)) => {
            let address = url.split_once('?').map_or(url.as_str(), |(address, _)| address);
            Value::Text(without_password(address))
        }
        (_, written) => written.clone(),
    };
    (format!("{name} = {value}"), setting.origin.to_string())
}

fn write(lines: &[(String, String)]) -> String {
    let width = |text: &str| text.chars().count();
    let column = lines.iter().map(|(text, _)| width(text)).filter(|w| *w <= 60).max().unwrap_or(0);
    let mut out = String::new();
    for (text, origin) in lines {
        out.push_str(text);
        if !origin.is_empty() {
            let pad = column.saturating_sub(width(text));
            // Writing to a String cannot fail.
            let _ = write!(out, "{:pad$}  # {origin}", "");
        }
        out.push('\n');
    }
    out
}
