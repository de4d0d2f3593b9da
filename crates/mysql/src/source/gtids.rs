//! The executed GTIDs of either family.

use crate::binlog::{GtidError, GtidList, GtidSet};

/// What was executed before a position, in the server family's own form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Gtids {
    /// GTIDs are not in use, or not known here.
    #[default]
    None,
    /// MySQL: sets of intervals by server UUID and tag.
    MySql(GtidSet),
    /// MariaDB: the last sequence number by domain.
    MariaDb(GtidList),
}

impl Gtids {
    /// Parses either form: MySQL's has UUIDs and colons, MariaDB's neither.
    pub(crate) fn parse(text: &str) -> Result<Self, GtidError> {
        if text.contains(':') {
            GtidSet::parse(text).map(Self::MySql)
        } else if text.trim().is_empty() {
            Ok(Self::None)
        } else {
            GtidList::parse(text).map(Self::MariaDb)
        }
    }

    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

impl std::fmt::Display for Gtids {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::MySql(set) => set.fmt(f),
            Self::MariaDb(list) => list.fmt(f),
        }
    }
}
