//! Remarks for an operator, about what was understood and could not be delivered.

/// The last few remarks; one for each subject of each kind, so that a busy one does not displace the
/// others.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    entries: Vec<Warning>,
    is_changed: bool,
}

#[derive(Debug)]
struct Warning {
    kind: &'static str,
    subject: String,
    text: String,
}

/// Remarks that are kept.
const ENTRIES_MAX: usize = 8;

impl Warnings {
    /// Adds a remark, in place of an earlier one about the same.
    pub(crate) fn add(&mut self, kind: &'static str, subject: &str, text: String) {
        self.entries.retain(|entry| (entry.kind, entry.subject.as_str()) != (kind, subject));
        if self.entries.len() >= ENTRIES_MAX {
            self.entries.remove(0);
        }
        self.entries.push(Warning { kind, subject: subject.to_owned(), text });
        self.is_changed = true;
    }

    /// The texts, oldest first, if there is a new one since the last call.
    pub(crate) fn take_changed(&mut self) -> Option<Vec<String>> {
        std::mem::take(&mut self.is_changed)
            .then(|| self.entries.iter().map(|entry| entry.text.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_busy_subject_does_not_displace_the_others() {
        let mut warnings = Warnings::default();
        warnings.add("a", "quiet", "quiet".into());
        for number in 0..100 {
            warnings.add("a", "busy", format!("busy {number}"));
        }
        assert_eq!(warnings.take_changed().unwrap(), ["quiet", "busy 99"]);
        assert_eq!(warnings.take_changed(), None);
        for number in 0..100 {
            warnings.add("b", &number.to_string(), number.to_string());
        }
        assert_eq!(warnings.take_changed().unwrap().len(), ENTRIES_MAX);
    }
}
