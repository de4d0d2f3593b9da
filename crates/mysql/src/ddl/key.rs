//! Keys as statements define them, and the names they get without one.

use super::definition::{Key, KeyKind, is_same_name};
use super::parser::{NotUnderstood, Parser};

/// A key as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct KeySpec {
    pub(super) name: Option<String>,
    pub(super) kind: KeyKind,
    pub(super) parts: Vec<KeyPart>,
    pub(super) if_not_exists: bool,
}

/// What a key is over.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum KeyPart {
    Column(String),
    Expression,
    /// MariaDB's `period WITHOUT OVERLAPS`, by the period's name.
    Period(String),
}

/// MariaDB's `PERIOD FOR name (start, end)`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Period {
    pub(super) name: String,
    pub(super) start: String,
    pub(super) end: String,
}

/// More keys than any server takes, foreign ones included.
const KEYS_MAX: usize = 1_024;

/// The name of every primary key.
pub(super) const PRIMARY: &str = "PRIMARY";

impl KeySpec {
    /// What an attribute of a column asks for.
    pub(super) fn of_column(kind: KeyKind, column: &str) -> Self {
        let parts = vec![KeyPart::Column(column.to_owned())];
        Self { name: None, kind, parts, if_not_exists: false }
    }

    /// The name that `IF NOT EXISTS` asks for.
    pub(super) fn asked_name(&self) -> Option<&str> {
        match (self.kind, &self.name, self.parts.first()) {
            (KeyKind::Primary, ..) => Some(PRIMARY),
            (_, Some(name), _) | (_, None, Some(KeyPart::Column(name))) => Some(name),
            _ => None,
        }
    }

    /// Adds the end of a row's life, which is part of every unique key under system versioning.
    pub(super) fn with_row_end(mut self, row_end: Option<&str>) -> Self {
        let has = |part: &KeyPart, name: &str| matches!(part, KeyPart::Column(own) if is_same_name(own, name));
        if let Some(name) = row_end
            && matches!(self.kind, KeyKind::Primary | KeyKind::Unique)
            && !self.parts.iter().any(|part| has(part, name))
        {
            self.parts.push(KeyPart::Column(name.to_owned()));
        }
        self
    }

    /// The parts as columns; of a period, its end and its start.
    fn columns(&self, periods: &[Period]) -> Result<Vec<Option<String>>, NotUnderstood> {
        let mut columns = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            match part {
                KeyPart::Column(name) => columns.push(Some(name.clone())),
                KeyPart::Expression => columns.push(None),
                KeyPart::Period(name) => {
                    let period = periods.iter().find(|period| is_same_name(&period.name, name));
                    let period = period.ok_or_else(|| {
                        NotUnderstood::Unfit("the period of a key is not known".into())
                    })?;
                    columns.extend([Some(period.end.clone()), Some(period.start.clone())]);
                }
            }
        }
        Ok(columns)
    }
}

/// Adds keys to those a table has, in their order, and names those without a name.
pub(super) fn add(
    keys: &mut Vec<Key>,
    specs: &[KeySpec],
    periods: &[Period],
) -> Result<(), NotUnderstood> {
    if keys.len() + specs.len() > KEYS_MAX {
        return Err(NotUnderstood::Unfit("it has more keys than a table can have".into()));
    }
    let mut added = Vec::with_capacity(specs.len());
    for spec in specs {
        added.push((spec, spec.columns(periods)?));
    }
    // A key for a foreign key gives way to any other that begins with its columns.
    let serves = |own: &[Option<String>], other: &[Option<String>]| {
        other.len() >= own.len()
            && own.iter().zip(other).all(|(own, other)| is_same_part(own, other))
    };
    keys.retain(|key| {
        let gives_way = |(spec, parts): &(&KeySpec, Vec<_>)| {
            spec.kind != KeyKind::ForForeignKey && serves(&key.parts, parts)
        };
        key.kind != KeyKind::ForForeignKey || !added.iter().any(gives_way)
    });
    for (index, (spec, parts)) in added.iter().enumerate() {
        if spec.kind == KeyKind::ForForeignKey {
            let other = |(at, (other, columns)): (usize, &(&KeySpec, Vec<_>))| {
                let first = other.kind != KeyKind::ForForeignKey || at < index;
                at != index && first && serves(parts, columns)
            };
            let served = keys.iter().any(|key| serves(parts, &key.parts))
                || added.iter().enumerate().any(other);
            if served {
                continue;
            }
        }
        let name = match (spec.kind, &spec.name) {
            (KeyKind::Primary, _) => PRIMARY.to_owned(),
            (_, Some(name)) => name.clone(),
            (_, None) => free_name(keys, parts),
        };
        if spec.if_not_exists && keys.iter().any(|key| is_same_name(&key.name, &name)) {
            continue;
        }
        keys.push(Key { name, kind: spec.kind, parts: parts.clone() });
    }
    Ok(())
}

fn is_same_part(a: &Option<String>, b: &Option<String>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if is_same_name(a, b))
}

/// The name a key gets from its first column (`make_unique_key_name` in `sql/sql_table.cc`).
fn free_name(keys: &[Key], parts: &[Option<String>]) -> String {
    let is_functional = parts.iter().any(Option::is_none);
    let first = parts.first().and_then(Option::as_deref).filter(|_| !is_functional);
    let base = first.unwrap_or("functional_index");
    let is_free = |name: &str| {
        !is_same_name(name, PRIMARY) && !keys.iter().any(|key| is_same_name(&key.name, name))
    };
    if is_free(base) {
        return base.to_owned();
    }
    let numbered = |number: usize| format!("{base}_{number}");
    (2..).map(numbered).find(|name| is_free(name)).unwrap_or_default()
}

impl Parser<'_> {
    /// Whether a key, constraint or period is defined here and not a column.
    pub(super) fn is_at_key(&self) -> bool {
        const BEGIN: [&str; 8] =
            ["PRIMARY", "UNIQUE", "KEY", "INDEX", "FULLTEXT", "SPATIAL", "FOREIGN", "CONSTRAINT"];
        let vector = self.is_word(0, "VECTOR") && self.is_any(1, &["KEY", "INDEX"]);
        let period = self.is_word(0, "PERIOD") && self.is_word(1, "FOR");
        let check = self.is_word(0, "CHECK") && self.is_symbol(1, '(');
        self.is_any(0, &BEGIN) || vector || period || check
    }

    /// A key, constraint or period.
    pub(super) fn key(
        &mut self,
        keys: &mut Vec<KeySpec>,
        periods: &mut Vec<Period>,
    ) -> Result<(), NotUnderstood> {
        let mut symbol = None;
        if self.accept("CONSTRAINT") {
            self.if_not_exists();
            if !self.is_any(0, &["PRIMARY", "UNIQUE", "FOREIGN", "CHECK"]) {
                symbol = Some(self.name()?);
            }
        }
        if self.accept("CHECK") {
            self.skip_parentheses()?;
            return self.skip_to_separator();
        }
        if self.accept_all(&["PERIOD", "FOR"]) {
            periods.push(self.period()?);
            return Ok(());
        }
        let kind = if self.accept_all(&["PRIMARY", "KEY"]) {
            KeyKind::Primary
        } else if self.accept_all(&["FOREIGN", "KEY"]) {
            KeyKind::ForForeignKey
        } else if self.accept("UNIQUE") {
            self.accept_any(&["KEY", "INDEX"]);
            KeyKind::Unique
        } else {
            self.accept_any(&["FULLTEXT", "SPATIAL", "VECTOR"]);
            self.accept_any(&["KEY", "INDEX"]);
            KeyKind::Plain
        };
        let if_not_exists = self.if_not_exists();
        let is_using = self.is_word(0, "USING") && !self.is_symbol(1, '(');
        let is_named = self.is_name(0) && !is_using;
        let name = if is_named { Some(self.name()?) } else { symbol };
        if self.accept_any(&["USING", "TYPE"]) {
            self.skip();
        }
        let parts = self.key_parts()?;
        if kind == KeyKind::ForForeignKey {
            self.skip_references()?;
        }
        keys.push(KeySpec { name, kind, parts, if_not_exists });
        self.skip_to_separator()
    }

    /// `(a, b(10) DESC, (c + 1), p WITHOUT OVERLAPS)`.
    pub(super) fn key_parts(&mut self) -> Result<Vec<KeyPart>, NotUnderstood> {
        self.expect_symbol('(')?;
        let mut parts = Vec::new();
        loop {
            if self.is_symbol(0, '(') {
                self.skip_parentheses()?;
                parts.push(KeyPart::Expression);
            } else {
                let name = self.column_name()?;
                if self.is_symbol(0, '(') {
                    self.skip_parentheses()?;
                }
                parts.push(match self.accept_all(&["WITHOUT", "OVERLAPS"]) {
                    true => KeyPart::Period(name),
                    false => KeyPart::Column(name),
                });
            }
            self.accept_any(&["ASC", "DESC"]);
            if self.accept_symbol(')') {
                return Ok(parts);
            }
            self.expect_symbol(',')?;
        }
    }

    /// `name (start, end)`, behind `PERIOD FOR`.
    fn period(&mut self) -> Result<Period, NotUnderstood> {
        self.if_not_exists();
        let name = self.name()?;
        self.expect_symbol('(')?;
        let start = self.name()?;
        self.expect_symbol(',')?;
        let end = self.name()?;
        self.expect_symbol(')')?;
        Ok(Period { name, start, end })
    }
}
