//! What it costs to append sealed batches and to make them durable, on the real disk.
//!
//! `cargo bench -p wellhead-log --bench append`; with `-- --test` each runs once. The disk is the one
//! of the folder for temporary files (`TMPDIR`).

#![allow(missing_docs, reason = "the macros of criterion make functions without documentation")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kafka::batch::{BatchBuilder, Compression, set_base_offset};
use kafka::{LeaderEpoch, Offset};
use log::{Config, Incarnation, Partition, Retention, Writer};

/// Records of a batch.
const COUNT: i64 = 8;

/// A sealed batch of about so many bytes.
fn batch(bytes: usize) -> Vec<u8> {
    let mut builder = BatchBuilder::default();
    for at in 0..COUNT {
        let value = vec![0xa5; bytes / 8];
        builder.push(at, None, Some(&value)).expect("a small record fits");
    }
    let mut out = Vec::new();
    builder
        .seal(&[], Compression::None, Offset(0), LeaderEpoch::NONE, &mut out)
        .expect("a small batch is sealed");
    out
}

/// Appends batches as one group.
fn append(writer: &mut Writer, batch: &mut [u8], count: usize) {
    for _ in 0..count {
        set_base_offset(batch, writer.next_offset()).expect("it is a batch");
        writer.append(batch).expect("the disk has space");
    }
}

fn groups(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append and sync");
    group.sample_size(20);
    let sizes = [(4 << 10, 1), (64 << 10, 1), (1 << 20, 1), (64 << 10, 16), (1 << 20, 8)];
    for (bytes, count) in sizes {
        let folder = tempfile::tempdir().expect("there is a folder for temporary files");
        let config = Config::new(Incarnation::from_bytes([1; 16]));
        let Partition { mut writer, .. } =
            Partition::open(folder.path(), &config).expect("a new log opens");
        let keep = Retention { age: None, max_bytes: Some(512 << 20) };
        let mut batch = batch(bytes);
        group.throughput(Throughput::Bytes((batch.len() * count) as u64));
        let id = BenchmarkId::new(format!("{count} batches"), format!("{} KiB", bytes >> 10));
        group.bench_function(id, |bencher| {
            bencher.iter(|| {
                append(&mut writer, &mut batch, count);
                writer.retain(0, &keep).expect("the oldest segments go");
                writer.sync().expect("the disk works")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, groups);
criterion_main!(benches);
