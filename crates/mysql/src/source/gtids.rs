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
    /// Parses either form: MySQL's has UUIDs and colons, MariaDB's neither. An empty text is MySQL's
    /// empty set: a server of this family knows that nothing was executed, where MariaDB's has no
    /// position to start at.
    pub(crate) fn parse(text: &str) -> Result<Self, GtidError> {
        if text.contains(':') || text.trim().is_empty() {
            GtidSet::parse(text).map(Self::MySql)
        } else {
            GtidList::parse(text).map(Self::MariaDb)
        }
    }

    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Whether no transaction is named.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::None => true,
            Self::MySql(set) => set.is_empty(),
            Self::MariaDb(list) => list.is_empty(),
        }
    }

    /// Whether all of the others are among them, as far as both are known.
    pub(crate) fn covers(&self, others: &Self) -> bool {
        match (self, others) {
            (Self::MySql(set), Self::MySql(others)) => set.contains_all(others),
            (Self::MariaDb(list), Self::MariaDb(others)) => others.iter().all(|other| {
                list.get(other.domain).is_some_and(|last| last.sequence >= other.sequence)
            }),
            _ => true,
        }
    }

    /// Whether a dump cannot start from them, on either family.
    pub(crate) fn is_unknown(&self) -> bool {
        match self {
            Self::None => true,
            Self::MySql(_) => false,
            Self::MariaDb(list) => list.is_empty(),
        }
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
