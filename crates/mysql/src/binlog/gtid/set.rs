//! Sets of MySQL's identifiers, as text and as the bytes of PREVIOUS_GTIDS and COM_BINLOG_DUMP_GTID.

use super::{Gtid, GtidError, Tag, Uuid};
use crate::binlog::{DecodeError, cursor::Cursor};

/// A set of global transaction identifiers of MySQL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GtidSet {
    /// Sorted by server and tag, none without intervals.
    sources: Vec<Source>,
}

/// The transactions of one server under one tag.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    uuid: Uuid,
    tag: Tag,
    /// Sorted, with a gap between neighbours.
    intervals: Vec<Interval>,
}

/// Numbers from `start` up to, but not including, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Interval {
    start: u64,
    end: u64,
}

impl GtidSet {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { sources: Vec::new() }
    }

    /// Reads `uuid[:tag]:n[-m]...,...` as the server writes it, with white space anywhere between the
    /// parts. An empty text is the empty set.
    ///
    /// # Errors
    /// A part is not of this form.
    pub fn parse(text: &str) -> Result<Self, GtidError> {
        let mut set = Self::new();
        for source in text.split(',').map(str::trim).filter(|source| !source.is_empty()) {
            let error = |reason| GtidError { text: source.into(), reason };
            let mut parts = source.split(':').map(str::trim);
            let uuid = parts.next().and_then(Uuid::parse);
            let uuid = uuid.ok_or_else(|| error("it does not start with a server UUID"))?;
            let mut tag = Tag::EMPTY;
            for part in parts {
                if part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
                    let parsed = Tag::parse(part.as_bytes());
                    tag = parsed.ok_or_else(|| error("a tag is not allowed"))?;
                } else {
                    let interval = Interval::parse(part);
                    let interval = interval.ok_or_else(|| error("an interval is not allowed"))?;
                    set.source_mut(uuid, tag).insert(interval);
                }
            }
        }
        set.sources.retain(|source| !source.intervals.is_empty());
        Ok(set)
    }

    /// Adds one transaction. The next one of a server that is known costs no allocation.
    pub fn add(&mut self, gtid: Gtid) {
        if gtid.number == 0 || gtid.number >= LAST_NUMBER {
            return;
        }
        let source = self.source_mut(gtid.uuid, gtid.tag);
        match source.intervals.last_mut() {
            Some(last) if last.end == gtid.number => last.end += 1,
            _ => source.insert(Interval { start: gtid.number, end: gtid.number + 1 }),
        }
    }

    /// Whether the set holds the transaction.
    #[must_use]
    pub fn contains(&self, gtid: &Gtid) -> bool {
        let key = (gtid.uuid, gtid.tag);
        let found = self.sources.binary_search_by_key(&key, |source| (source.uuid, source.tag));
        let Some(source) = found.ok().and_then(|index| self.sources.get(index)) else {
            return false;
        };
        let index = source.intervals.partition_point(|interval| interval.end <= gtid.number);
        source.intervals.get(index).is_some_and(|interval| interval.start <= gtid.number)
    }

    /// Whether the set holds all of `other`.
    #[must_use]
    pub fn contains_all(&self, other: &Self) -> bool {
        other.sources.iter().all(|theirs| {
            let key = (theirs.uuid, theirs.tag);
            let found = self.sources.binary_search_by_key(&key, |ours| (ours.uuid, ours.tag));
            let ours = found.ok().and_then(|index| self.sources.get(index));
            ours.is_some_and(|ours| {
                theirs.intervals.iter().all(|needed| {
                    let index = ours.intervals.partition_point(|held| held.end < needed.end);
                    ours.intervals.get(index).is_some_and(|held| held.start <= needed.start)
                })
            })
        })
    }

    /// Adds all of `other`.
    pub fn add_all(&mut self, other: &Self) {
        for theirs in &other.sources {
            for interval in &theirs.intervals {
                self.source_mut(theirs.uuid, theirs.tag).insert(*interval);
            }
        }
    }

    /// What of the set is not in `other`.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let mut rest = Self::new();
        for ours in &self.sources {
            let key = (ours.uuid, ours.tag);
            let found =
                other.sources.binary_search_by_key(&key, |source| (source.uuid, source.tag));
            let theirs = found.ok().and_then(|index| other.sources.get(index));
            let theirs = theirs.map_or(&[][..], |source| &source.intervals);
            let intervals: Vec<_> =
                ours.intervals.iter().flat_map(|interval| interval.minus(theirs)).collect();
            if !intervals.is_empty() {
                rest.sources.push(Source { uuid: ours.uuid, tag: ours.tag, intervals });
            }
        }
        rest
    }

    /// Number of transactions, saturating.
    #[must_use]
    pub fn count(&self) -> u64 {
        let intervals = self.sources.iter().flat_map(|source| &source.intervals);
        intervals.fold(0, |sum, interval| sum.saturating_add(interval.end - interval.start))
    }

    /// Whether the set holds nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Whether a transaction of the set has a tag: then servers before 8.3 cannot read its encoding.
    #[must_use]
    pub fn has_tags(&self) -> bool {
        self.sources.iter().any(|source| !source.tag.is_empty())
    }

    /// Appends the form of COM_BINLOG_DUMP_GTID and PREVIOUS_GTIDS: that of MySQL 5.6, or that of 8.3
    /// where there are tags.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let count = u64::try_from(self.sources.len()).unwrap_or(u64::MAX);
        let tagged = self.has_tags();
        let head = if tagged { count << 8 | TAGGED << 56 | TAGGED } else { count };
        out.extend_from_slice(&head.to_le_bytes());
        for source in &self.sources {
            out.extend_from_slice(source.uuid.as_bytes());
            if tagged {
                // A number of the serialization library; up to 32 takes one byte.
                out.push(source.tag.length << 1);
                out.extend_from_slice(source.tag.as_str().as_bytes());
            }
            let count = u64::try_from(source.intervals.len()).unwrap_or(u64::MAX);
            out.extend_from_slice(&count.to_le_bytes());
            for interval in &source.intervals {
                out.extend_from_slice(&interval.start.to_le_bytes());
                out.extend_from_slice(&interval.end.to_le_bytes());
            }
        }
    }

    /// Reads what [`GtidSet::encode`] writes.
    pub(in crate::binlog) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("a GTID set", bytes);
        let head = cursor.u64()?;
        let (tagged, count) = match head >> 56 {
            0 => (false, head),
            TAGGED => (true, (head & !(0xff << 56)) >> 8),
            _ => return Err(cursor.malformed("its format is unknown")),
        };
        let mut set = Self::new();
        for _ in 0..count {
            let uuid = Uuid::from_bytes(cursor.array()?);
            let mut tag = Tag::EMPTY;
            if tagged {
                let length = usize::try_from(cursor.varint()?).unwrap_or(usize::MAX);
                let text = cursor.bytes(length)?;
                tag = Tag::parse(text).ok_or(cursor.malformed("a tag is not allowed"))?;
            }
            for _ in 0..cursor.u64()? {
                let (start, end) = (cursor.u64()?, cursor.u64()?);
                if start == 0 || start >= end || end > LAST_NUMBER {
                    return Err(cursor.malformed("an interval is not allowed"));
                }
                set.source_mut(uuid, tag).insert(Interval { start, end });
            }
        }
        Ok(set)
    }

    fn source_mut(&mut self, uuid: Uuid, tag: Tag) -> &mut Source {
        let key = (uuid, tag);
        let found = self.sources.binary_search_by_key(&key, |source| (source.uuid, source.tag));
        let index = found.unwrap_or_else(|index| {
            self.sources.insert(index, Source { uuid, tag, intervals: Vec::new() });
            index
        });
        self.sources.get_mut(index).expect("the index was found or made just now")
    }
}

impl Source {
    /// Adds an interval and joins what touches.
    fn insert(&mut self, mut new: Interval) {
        let first = self.intervals.partition_point(|interval| interval.end < new.start);
        let last = self.intervals.partition_point(|interval| interval.start <= new.end);
        if let Some(touching) = self.intervals.get(first..last)
            && let [lowest, .., highest] | [lowest @ highest] = touching
        {
            new.start = new.start.min(lowest.start);
            new.end = new.end.max(highest.end);
        }
        self.intervals.splice(first..last.max(first), [new]);
    }
}

impl Interval {
    /// What of it is in none of `taken`, which are sorted and apart.
    fn minus(self, taken: &[Self]) -> Vec<Self> {
        let mut rest = Vec::new();
        let mut start = self.start;
        let first = taken.partition_point(|interval| interval.end <= self.start);
        for interval in taken.get(first..).unwrap_or_default() {
            if interval.start >= self.end {
                break;
            }
            if interval.start > start {
                rest.push(Self { start, end: interval.start });
            }
            start = start.max(interval.end);
        }
        if start < self.end {
            rest.push(Self { start, end: self.end });
        }
        rest
    }

    fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| -> Option<u64> {
            let text = text.trim();
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let number = if digits { text.parse().ok()? } else { return None };
            (1..LAST_NUMBER).contains(&number).then_some(number)
        };
        let (first, last) = match text.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(text)?, number(text)?),
        };
        (first <= last).then_some(Self { start: first, end: last + 1 })
    }
}

impl std::str::FromStr for GtidSet {
    type Err = GtidError;

    fn from_str(text: &str) -> Result<Self, GtidError> {
        Self::parse(text)
    }
}

impl std::fmt::Display for GtidSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut previous: Option<Uuid> = None;
        for source in &self.sources {
            if previous != Some(source.uuid) {
                let comma = if previous.is_some() { "," } else { "" };
                write!(f, "{comma}{}", source.uuid)?;
            }
            previous = Some(source.uuid);
            if !source.tag.is_empty() {
                write!(f, ":{}", source.tag.as_str())?;
            }
            for interval in &source.intervals {
                write!(f, ":{}", interval.start)?;
                if interval.end - interval.start > 1 {
                    write!(f, "-{}", interval.end - 1)?;
                }
            }
        }
        Ok(())
    }
}

/// MySQL's `GNO_END`: numbers are below.
const LAST_NUMBER: u64 = i64::MAX.cast_unsigned();
/// The mark of the form with tags.
const TAGGED: u64 = 1;
