//! What was found wrong, with its place.

use std::path::{Path, PathBuf};

use crate::Offset;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It mends itself at the next start: an index is rebuilt, a stray file removed.
    Note,
    /// The end of the last segment is no whole batch, as a crash or a copy of a live file leaves it.
    /// Nothing behind it is whole, and the next start cuts it off.
    Unfinished,
    /// Records are missing or cannot be read.
    Damage,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// In which file or folder.
    pub file: PathBuf,
    /// Where in the file.
    pub position: Option<u64>,
    /// At which record.
    pub offset: Option<Offset>,
    /// What it is.
    pub what: String,
}

/// All findings of one look: each is counted, the first ones are kept.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    kept: Vec<Finding>,
    notes: u64,
    unfinished: u64,
    damages: u64,
}

/// Findings that are kept. A file of garbage has as many as one likes.
const KEPT_MAX: usize = 1_000;

impl Findings {
    /// The first ones.
    #[must_use]
    pub fn kept(&self) -> &[Finding] {
        &self.kept
    }

    /// How many there were of this severity.
    #[must_use]
    pub const fn count(&self, severity: Severity) -> u64 {
        match severity {
            Severity::Note => self.notes,
            Severity::Unfinished => self.unfinished,
            Severity::Damage => self.damages,
        }
    }

    pub(super) fn add(&mut self, finding: Finding) {
        let count = match finding.severity {
            Severity::Note => &mut self.notes,
            Severity::Unfinished => &mut self.unfinished,
            Severity::Damage => &mut self.damages,
        };
        *count = count.saturating_add(1);
        if self.kept.len() < KEPT_MAX {
            self.kept.push(finding);
        }
    }

    pub(super) fn note(&mut self, file: &Path, what: impl Into<String>) {
        self.add(Finding {
            severity: Severity::Note,
            file: file.to_path_buf(),
            position: None,
            offset: None,
            what: what.into(),
        });
    }

    pub(super) fn damage(
        &mut self,
        file: &Path,
        position: Option<u64>,
        offset: Option<Offset>,
        what: impl Into<String>,
    ) {
        self.add(Finding {
            severity: Severity::Damage,
            file: file.to_path_buf(),
            position,
            offset,
            what: what.into(),
        });
    }
}
