//! What it costs to decode binlogs as real servers wrote them: events cut and checked, rows walked and
//! every value visited.
//!
//! The files are those of the tests, small and of many kinds, so this compares one version of the
//! decoder with another; how fast a server's log is read is measured by `bench/`.
//!
//! `cargo bench -p wellhead-mysql --bench decode`; with `-- --test` each runs once.

#![allow(missing_docs, reason = "the macros of criterion make functions without documentation")]

use std::collections::HashMap;

use change::{Image, Value, Visitor};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mysql::binlog::{
    Checksum, DecodeError, Event, EventHeader, FormatDescription, RawEvent, TableBinding, TableId,
};

const FILES: [(&str, &[u8]); 2] = [
    ("MySQL 9.7", include_bytes!("../src/binlog/testdata/mysql-9.7-full.binlog")),
    ("MariaDB 10.11", include_bytes!("../src/binlog/testdata/mariadb-10.11-full.binlog")),
];

/// Counts values, so that none is left out.
#[derive(Debug, Default)]
struct Count(usize);

impl Visitor for Count {
    fn column(&mut self, index: usize, value: Value<'_>) {
        self.0 += usize::from(std::hint::black_box(value) != Value::Absent) + index % 2;
    }
}

/// The events of a file behind its magic.
fn events(file: &'static [u8]) -> Vec<&'static [u8]> {
    let mut rest = file.get(4..).unwrap_or_default();
    let mut events = Vec::new();
    while let Ok(header) = EventHeader::parse(rest) {
        let length = usize::try_from(header.event_size).unwrap_or(usize::MAX);
        let Some((event, behind)) = rest.split_at_checked(length) else { break };
        events.push(event);
        rest = behind;
    }
    events
}

/// Decodes all; tables stay bound from round to round, as they do within a dump.
fn decode(
    events: &[&[u8]],
    tables: &mut HashMap<TableId, TableBinding>,
    count: &mut Count,
) -> Result<(), DecodeError> {
    let mut format = FormatDescription::assumed();
    format.checksum = Checksum::Crc32;
    for event in events {
        let raw = RawEvent::parse(event, format.checksum)?;
        match Event::decode(&raw, &format)? {
            Event::FormatDescription(described) => format = described,
            Event::TableMap(map)
                if tables.get(&map.id).is_none_or(|bound| !bound.describes(&map)) =>
            {
                tables.insert(map.id, TableBinding::from_metadata(&map)?);
            }
            Event::Rows(rows) => {
                let Some(table) = tables.get(&rows.table_id) else { continue };
                let mut walk = rows.rows(table)?;
                while let Some(row) = walk.next_row()? {
                    for image in [row.before, row.after].into_iter().flatten() {
                        // What a value holds may be wrong on purpose in these files.
                        let _ = image.visit(count);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn files(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    for (name, file) in FILES {
        let events = events(file);
        let mut tables = HashMap::new();
        group.throughput(Throughput::Bytes(file.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut count = Count::default();
                decode(&events, &mut tables, &mut count).expect("a server wrote it");
                count.0
            });
        });
    }
    group.finish();
}

criterion_group!(benches, files);
criterion_main!(benches);
