//! Reads settings of one section or object into types, and keeps going after a fault.

use super::key::{Key, Shape};
use super::setting::{Setting, Settings, Value};
use super::{Fault, Origin};

/// Reads one group of settings. A faulty or missing value is `None`, and has been told.
pub(super) struct Reader<'a> {
    pub(super) settings: &'a Settings,
    pub(super) keys: &'static [Key],
    /// Empty for sections, else like `[[task]]`.
    pub(super) place: String,
    /// Where a key that is missing would stand.
    pub(super) origin: &'a Origin,
    /// Secrets are left alone.
    pub(super) without_secrets: bool,
    pub(super) faults: &'a mut Vec<Fault>,
}

impl Reader<'_> {
    /// A text that must be there.
    pub(super) fn required<T>(
        &mut self,
        path: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if !self.settings.contains_key(path) {
            let message = format!("{} needs the key \"{path}\"", self.place);
            self.faults.push(Fault::new(self.origin, message));
            return None;
        }
        self.optional(path, parse)
    }

    /// A text that may be missing.
    pub(super) fn optional<T>(
        &mut self,
        path: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let setting = self.resolved(path)?;
        let Value::Text(text) = &setting.value else { return None };
        match parse(text) {
            Ok(value) => Some(value),
            Err(rule) => {
                self.refuse(path, &rule);
                None
            }
        }
    }

    /// A number within bounds.
    pub(super) fn number<T: TryFrom<i64>>(
        &mut self,
        path: &str,
        bounds: std::ops::RangeInclusive<i64>,
    ) -> Option<T> {
        let Value::Number(number) = self.resolved(path)?.value else { return None };
        if !bounds.contains(&number) {
            self.refuse(path, &format!("it is from {} to {}", bounds.start(), bounds.end()));
            return None;
        }
        T::try_from(number).ok()
    }

    /// An array of texts; missing is empty.
    pub(super) fn list(&mut self, path: &str) -> Vec<String> {
        match self.resolved(path) {
            Some(Setting { value: Value::List(texts), .. }) => texts.clone(),
            _ => Vec::new(),
        }
    }

    /// Says that a value breaks a rule. Secret values are not repeated.
    pub(super) fn refuse(&mut self, path: &str, rule: &str) {
        let secret = self
            .keys
            .iter()
            .any(|key| key.path == path && matches!(key.shape, Shape::Secret | Shape::Url));
        let name = self.name(path);
        let setting = self.settings.get(path);
        let message = match setting {
            Some(setting) if !secret => {
                format!("{name} = {} is not allowed: {rule}", setting.written)
            }
            _ => format!("{name} is not allowed: {rule}"),
        };
        let origin = setting.map_or(self.origin, |setting| &setting.origin);
        self.faults.push(Fault::new(origin, message));
    }

    /// Says something about a key.
    pub(super) fn fault(&mut self, path: &str, message: impl Into<String>) {
        let origin = self.settings.get(path).map_or(self.origin, |setting| &setting.origin);
        self.faults.push(Fault::new(origin, message));
    }

    /// Whether a value is given, and nobody knows what it comes to.
    pub(super) fn is_unknown(&self, path: &str) -> bool {
        self.settings.get(path).is_some_and(|setting| !setting.resolved)
    }

    /// The key as messages name it.
    pub(super) fn name(&self, path: &str) -> String {
        if self.place.is_empty() { path.into() } else { format!("{}.{path}", self.place) }
    }

    fn resolved(&self, path: &str) -> Option<&Setting> {
        self.settings.get(path).filter(|setting| setting.resolved)
    }
}
