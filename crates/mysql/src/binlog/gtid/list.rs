//! MariaDB's identifiers: one position per replication domain.

use super::GtidError;

/// A global transaction identifier of MariaDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MariaDbGtid {
    /// Transactions of one domain are in one order.
    pub domain: u32,
    /// The server that first executed the transaction.
    pub server_id: u32,
    /// Number of the transaction in its domain.
    pub sequence: u64,
}

/// The last transaction of each domain: where reading goes on (`gtid_slave_pos`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GtidList {
    /// Sorted by domain, one entry each.
    entries: Vec<MariaDbGtid>,
}

impl GtidList {
    /// Nothing was read.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Reads `0-1-100,1-2-5`, with white space around the parts allowed. An empty text is an empty
    /// list.
    ///
    /// # Errors
    /// A part is not three numbers, or a domain comes twice.
    pub fn parse(text: &str) -> Result<Self, GtidError> {
        let mut list = Self::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let gtid = MariaDbGtid::parse(part)?;
            if list.get(gtid.domain).is_some() {
                return Err(GtidError { text: part.into(), reason: "its domain comes twice" });
            }
            list.set(gtid);
        }
        Ok(list)
    }

    /// Makes `gtid` the last transaction of its domain.
    pub fn set(&mut self, gtid: MariaDbGtid) {
        match self.entries.binary_search_by_key(&gtid.domain, |entry| entry.domain) {
            Ok(index) => {
                if let Some(entry) = self.entries.get_mut(index) {
                    *entry = gtid;
                }
            }
            Err(index) => self.entries.insert(index, gtid),
        }
    }

    /// Forgets what is known of a domain.
    pub fn forget(&mut self, domain: u32) {
        self.entries.retain(|entry| entry.domain != domain);
    }

    /// The last transaction of a domain.
    #[must_use]
    pub fn get(&self, domain: u32) -> Option<MariaDbGtid> {
        let index = self.entries.binary_search_by_key(&domain, |entry| entry.domain).ok()?;
        self.entries.get(index).copied()
    }

    /// One entry per domain, by domain.
    pub fn iter(&self) -> impl Iterator<Item = MariaDbGtid> + '_ {
        self.entries.iter().copied()
    }

    /// Whether nothing was read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl MariaDbGtid {
    /// Reads `domain-server-sequence`.
    ///
    /// # Errors
    /// The text is not three numbers in range.
    pub fn parse(text: &str) -> Result<Self, GtidError> {
        let mut parts = text.split('-');
        let mut next = || parts.next().filter(|part| part.bytes().all(|b| b.is_ascii_digit()));
        let parsed = (|| {
            let domain = next()?.parse().ok()?;
            let server_id = next()?.parse().ok()?;
            Some(Self { domain, server_id, sequence: next()?.parse().ok()? })
        })();
        match parsed {
            Some(gtid) if parts.next().is_none() => Ok(gtid),
            _ => Err(GtidError { text: text.into(), reason: "it is not domain-server-sequence" }),
        }
    }
}

impl std::fmt::Display for MariaDbGtid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}-{}", self.domain, self.server_id, self.sequence)
    }
}

impl std::fmt::Display for GtidList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, entry) in self.entries.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{entry}")?;
        }
        Ok(())
    }
}
