//! Decoding rows allocates nothing once their table is bound and its buffers have grown.
//!
//! The binlogs are those of real servers, with columns of every type.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by a panic")]

#[path = "../../record/tests/counting/mod.rs"]
mod counting;

use std::collections::{BTreeMap, HashMap};

use change::{Image, Value, Visitor};
use mysql::binlog::{
    Checksum, Event, EventHeader, FormatDescription, RawEvent, TableBinding, TableId,
};

const FILES: [&[u8]; 2] = [
    include_bytes!("../src/binlog/testdata/mysql-9.7-full.binlog"),
    include_bytes!("../src/binlog/testdata/mariadb-10.11-full.binlog"),
];

/// A table with columns that the server compresses; to inflate one takes memory of its own.
const INFLATED: &str = "addresses";

/// Looks at each value and keeps none.
#[derive(Debug, Default)]
struct Seen(u64);

impl Visitor for Seen {
    fn column(&mut self, _: usize, value: Value<'_>) {
        self.0 += u64::from(std::hint::black_box(value) != Value::Absent);
    }
}

/// What a round through a file came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Round {
    rows: u64,
    values: u64,
    /// Made while rows were decoded, by the name of their table.
    allocations: BTreeMap<String, u64>,
}

fn events(file: &[u8]) -> Vec<&[u8]> {
    let mut rest = &file[4..];
    let mut events = Vec::new();
    while !rest.is_empty() {
        let header = EventHeader::parse(rest).unwrap();
        let (event, behind) = rest.split_at(usize::try_from(header.event_size).unwrap());
        events.push(event);
        rest = behind;
    }
    events
}

fn round(events: &[&[u8]], tables: &mut HashMap<TableId, TableBinding>) -> Round {
    let mut format = FormatDescription::assumed();
    format.checksum = Checksum::Crc32;
    let (mut round, mut seen) = (Round::default(), Seen::default());
    for event in events {
        let before = counting::allocations();
        let raw = RawEvent::parse(event, format.checksum).unwrap();
        match Event::decode(&raw, &format).unwrap() {
            Event::FormatDescription(described) => format = described,
            Event::TableMap(map) => {
                tables.entry(map.id).or_insert_with(|| TableBinding::from_metadata(&map).unwrap());
            }
            Event::Rows(rows) => {
                let mut walk = rows.rows(&tables[&rows.table_id]).unwrap();
                while let Some(row) = walk.next_row().unwrap() {
                    for image in [row.before, row.after].into_iter().flatten() {
                        image.visit(&mut seen).unwrap();
                    }
                    round.rows += 1;
                }
                let allocations = counting::allocations() - before;
                if allocations > 0 {
                    *round.allocations.entry(walk.table().to_owned()).or_default() += allocations;
                }
            }
            _ => {}
        }
    }
    round.values = seen.0;
    round
}

#[test]
fn a_row_allocates_nothing_once_its_table_is_bound() {
    for file in FILES {
        let events = events(file);
        let mut tables = HashMap::new();
        let cold = round(&events, &mut tables);
        assert!(cold.rows > 0 && cold.values > cold.rows, "{cold:?}");
        assert!(!cold.allocations.is_empty(), "the counter counts, and buffers grow once");
        let mut warm = round(&events, &mut tables);
        warm.allocations.retain(|table, _| table != INFLATED);
        let nothing = Round { allocations: BTreeMap::new(), ..cold };
        assert_eq!(warm, nothing, "an allocation crept into a row's way");
    }
}
