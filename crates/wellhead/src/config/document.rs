//! Reads one TOML text into settings that know their line.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::suggestion;
use super::key::{Key, Kind, SECTIONS, Shape};
use super::setting::{Object, Setting, Settings, Value};
use super::{Fault, Origin};

/// What one text says.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) sections: Settings,
    pub(super) objects: Vec<(Kind, Object)>,
}

/// Reads `text`; `path` is for messages. What cannot be understood becomes a fault and is left out.
pub(super) fn read(path: &str, text: &str, faults: &mut Vec<Fault>) -> Document {
    let lines = Lines { path, text };
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let origin = lines.origin(error.span().map_or(0, |span| span.start));
        faults.push(Fault::new(&origin, format!("not TOML: {}", error.message())));
    }
    let mut sections = Settings::new();
    let mut walk =
        Walk { lines, place: String::new(), keys: SECTIONS, objects: Vec::new(), faults };
    for (name, value) in root.get_ref() {
        walk.entry("", name, value, &mut sections);
    }
    let mut objects = walk.objects;
    // The parser hands tables out by name; people number objects by line.
    objects.sort_by(|(_, a), (_, b)| a.origin.cmp(&b.origin));
    Document { sections, objects }
}

/// A default, or the text of a variable or flag, in the form its key has.
pub(super) fn read_value(shape: Shape, text: &str) -> Result<Value, String> {
    match shape {
        Shape::Number => text.trim().parse().map(Value::Number).map_err(|_| must_be(shape)),
        Shape::List => Ok(Value::List(
            text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect(),
        )),
        Shape::Text | Shape::Secret | Shape::Url | Shape::Quantity => Ok(Value::Text(text.into())),
    }
}

/// A default as it stands in the table of keys.
pub(super) fn read_default(key: &Key) -> Option<Value> {
    let value = DeValue::parse(key.default?).ok()?;
    leaf(key.shape, value.get_ref()).ok()
}

struct Lines<'a> {
    path: &'a str,
    text: &'a str,
}

impl Lines<'_> {
    fn origin(&self, at: usize) -> Origin {
        let before = self.text.as_bytes().iter().take(at);
        let line = 1 + before.filter(|byte| **byte == b'\n').count();
        Origin::File { path: self.path.into(), line: Some(line) }
    }
}

/// Walks the tables of one section or object.
struct Walk<'a> {
    lines: Lines<'a>,
    /// Empty for sections, else like `[[task]]`.
    place: String,
    keys: &'static [Key],
    objects: Vec<(Kind, Object)>,
    faults: &'a mut Vec<Fault>,
}

impl Walk<'_> {
    fn objects(&mut self, kind: Kind, value: &Spanned<DeValue<'_>>) {
        let name = kind.as_str();
        let items = value.get_ref().as_array();
        let Some(items) = items.filter(|items| items.iter().all(|item| item.get_ref().is_table()))
        else {
            let message = format!("{name} must be an array of tables; write [[{name}]]");
            return self.fault(value.span().start, message);
        };
        self.place = format!("[[{name}]]");
        self.keys = kind.keys();
        for item in items {
            let mut settings = Settings::new();
            for (name, value) in item.get_ref().as_table().into_iter().flatten() {
                self.entry("", name, value, &mut settings);
            }
            let origin = self.lines.origin(item.span().start);
            self.objects.push((kind, Object { settings, origin }));
        }
        self.place = String::new();
        self.keys = SECTIONS;
    }

    fn entry(
        &mut self,
        above: &str,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        out: &mut Settings,
    ) {
        let path = join(above, name.get_ref());
        let at = name.span().start;
        let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == path);
        if let Some(kind) = kind.filter(|_| self.place.is_empty()) {
            return self.objects(kind, value);
        }
        if let Some(key) = self.keys.iter().find(|key| key.path == path) {
            match leaf(key.shape, value.get_ref()) {
                Ok(value) => {
                    out.insert(path, Setting::new(value, self.lines.origin(at)));
                }
                Err(expected) => {
                    let found = value.get_ref().type_str();
                    self.fault(at, format!("{} {expected}, not {found}", self.full(&path)));
                }
            }
        } else if self.keys.iter().any(|key| below(key.path, &path).is_some()) {
            let Some(table) = value.get_ref().as_table() else {
                return self.fault(at, format!("{} must be a table", self.full(&path)));
            };
            for (name, value) in table {
                self.entry(&path, name, value, out);
            }
        } else {
            self.unknown(above, name.get_ref(), at);
        }
    }

    fn unknown(&mut self, above: &str, name: &str, at: usize) {
        let siblings = self.keys.iter().filter_map(|key| match above {
            "" => key.path.split('.').next(),
            above => below(key.path, above)?.split('.').next(),
        });
        let is_section = self.place.is_empty();
        let kinds = Kind::ALL.iter().filter(|_| is_section).filter_map(|kind| match above {
            "" => Some(kind.as_str()).filter(|name| !name.contains('.')),
            above => below(kind.as_str(), above),
        });
        let guess = suggestion(name, siblings.chain(kinds));
        let place = match (self.place.as_str(), above.split_once('.')) {
            ("", None) if above.is_empty() => String::new(),
            ("", None) => format!(" in [{above}]"),
            ("", Some((section, rest))) => format!(" in [{section}].{rest}"),
            (object, _) if above.is_empty() => format!(" in {object}"),
            (object, _) => format!(" in {object}.{above}"),
        };
        self.fault(at, format!("unknown key \"{}\"{place}{guess}", name.escape_debug()));
    }

    fn full(&self, path: &str) -> String {
        join(&self.place, path)
    }

    fn fault(&mut self, at: usize, message: String) {
        self.faults.push(Fault::new(&self.lines.origin(at), message));
    }
}

/// A value in the form `shape`, or what it must be.
fn leaf(shape: Shape, value: &DeValue<'_>) -> Result<Value, String> {
    let number =
        || value.as_integer().and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok());
    let text = || value.as_str().map(|text| Value::Text(text.into()));
    let read = match shape {
        Shape::Text | Shape::Secret | Shape::Url => text(),
        Shape::Quantity => text().or_else(|| Some(Value::Text(number()?.to_string()))),
        Shape::Number => number().map(Value::Number),
        Shape::List => value.as_array().and_then(|items| {
            let texts = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
            texts.collect::<Option<Vec<_>>>().map(Value::List)
        }),
    };
    read.ok_or_else(|| must_be(shape))
}

fn must_be(shape: Shape) -> String {
    let form = match shape {
        Shape::Text | Shape::Secret | Shape::Url => "a string",
        Shape::Quantity => "a string or an integer",
        Shape::Number => "an integer",
        Shape::List => "an array of strings",
    };
    format!("must be {form}")
}

fn join(above: &str, name: &str) -> String {
    if above.is_empty() { name.into() } else { format!("{above}.{name}") }
}

/// The part of `path` behind `above` and a dot.
fn below<'a>(path: &'a str, above: &str) -> Option<&'a str> {
    path.strip_prefix(above)?.strip_prefix('.')
}
