//! What it costs to answer a Fetch, without the socket: the request is decoded, its partitions are found,
//! the ranges of their files, and the response is encoded around them.
//!
//! `cargo bench -p broker --bench fetch`; with `-- --test` each runs once. One and a hundred partitions,
//! each a log of its own; *on* reads on where it read last, as consumers do, and *seek* searches.

#![allow(missing_docs, reason = "the macros of criterion make functions without documentation")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use broker::{FetchPlanner, Topic, TopicDirectory};
use change::{TaskName, TopicName};
use criterion::{Criterion, criterion_group, criterion_main};
use kafka::batch::{BatchBuilder, Compression};
use kafka::messages::{FetchPartition, FetchRequest, FetchTopic};
use kafka::{ApiVersion, CorrelationId, LeaderEpoch, Offset, encode_request};
use log::{Config, Incarnation, Partition, Writer};

const LOGS: usize = 100;
const BATCHES: i64 = 64;
/// Longer than what a Fetch of these asks for, so that the end of a range must be found.
const VALUE: [u8; 4_000] = [7; 4_000];
const ASKED_BYTES: i32 = 64 << 10;
/// The last version that names topics by name.
const VERSION: ApiVersion = ApiVersion(12);

fn topic(number: usize) -> String {
    format!("topic-{number}")
}

/// A log of small batches in two segments, the first of which is closed.
fn fill(writer: &mut Writer) -> Result<(), Box<dyn std::error::Error>> {
    for _ in 0..BATCHES {
        let mut builder = BatchBuilder::default();
        builder.push(1_700_000_000_000, None, Some(&VALUE))?;
        let mut bytes = Vec::new();
        builder.seal(&[], Compression::None, writer.next_offset(), LeaderEpoch(0), &mut bytes)?;
        writer.append(&mut bytes)?;
    }
    writer.sync()?;
    Ok(())
}

fn open(folder: &Path) -> Result<Arc<TopicDirectory>, Box<dyn std::error::Error>> {
    let topics = Arc::new(TopicDirectory::default());
    for number in 0..LOGS {
        let name = topic(number);
        let config =
            Config { segment_bytes: 200 << 10, ..Config::new(Incarnation::from_bytes([1; 16])) };
        let mut partition = Partition::open(&folder.join(&name), &config)?;
        fill(&mut partition.writer)?;
        topics.insert(Topic {
            name: TopicName::new(&name)?,
            task: TaskName::new(&name)?,
            partitions: vec![partition.reader],
        });
    }
    Ok(topics)
}

/// A Fetch of the first `count` logs from an offset, without its length.
fn request(names: &[String], offset: i64) -> Vec<u8> {
    let partition = FetchPartition {
        fetch_offset: Offset(offset),
        max_bytes: ASKED_BYTES,
        ..FetchPartition::default()
    };
    let topics = names.iter().map(|name| FetchTopic {
        name,
        partitions: vec![partition.clone()],
        ..FetchTopic::default()
    });
    let request = FetchRequest { topics: topics.collect(), ..FetchRequest::default() };
    let frame = encode_request(VERSION, CorrelationId(1), Some("bench"), request)
        .expect("every field has a form in this version");
    frame.payload().to_vec()
}

fn fetch(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for the logs");
    let topics = open(folder.path()).expect("logs to read");
    let names: Vec<String> = (0..LOGS).map(topic).collect();
    let mut group = criterion.benchmark_group("fetch");
    for count in [1, LOGS] {
        let asked = names.get(..count).unwrap_or_default();
        let mut planner = FetchPlanner::new(Arc::clone(&topics));
        // 16 batches of about 4 KiB make an answer.
        let steps: Vec<_> = (0..48).step_by(15).map(|offset| request(asked, offset)).collect();
        let mut next = steps.iter().cycle();
        group.bench_function(format!("on/{count}"), |bencher| {
            bencher.iter(|| planner.plan(black_box(next.next()?)));
        });
        let seeks: Vec<_> = (0..48).rev().map(|offset| request(asked, offset)).collect();
        let mut next = seeks.iter().cycle();
        group.bench_function(format!("seek/{count}"), |bencher| {
            bencher.iter(|| planner.plan(black_box(next.next()?)));
        });
    }
    group.finish();
}

criterion_group!(benches, fetch);
criterion_main!(benches);
