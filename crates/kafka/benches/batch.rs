//! What it costs to put records into a batch, and to seal one: compression and checksum.
//!
//! `cargo bench -p kafka --bench batch`; with `-- --test` each runs once.

#![allow(missing_docs, reason = "the macros of criterion make functions without documentation")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kafka::batch::{BatchBuilder, Compression};
use kafka::{LeaderEpoch, Offset};

/// Records of a batch.
const COUNT: u64 = 1_500;
/// Bytes of a batch, about, as the capture seals them.
const BATCH_LEN: usize = 1 << 20;

/// Bytes like those of consecutive row changes: mostly what the one before had, and some that are new.
fn values() -> Vec<Vec<u8>> {
    let constant: Vec<u8> = (0..420_u32).map(|at| at.wrapping_mul(31).to_le_bytes()[0]).collect();
    (0..COUNT)
        .map(|row| {
            let mut value = row.to_string().into_bytes();
            value.extend_from_slice(&constant);
            let mut noise = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            for _ in 0..30 {
                noise = noise.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ (noise >> 29);
                value.extend_from_slice(
                    format!("{noise:08x}").get(..8).unwrap_or_default().as_bytes(),
                );
            }
            value
        })
        .collect()
}

fn fill(builder: &mut BatchBuilder, values: &[Vec<u8>]) {
    for (at, value) in (1_700_000_000_000_i64..).zip(values) {
        let mut record = builder.open(at);
        record.value().extend_from_slice(value);
        record.finish().expect("the batch is far below its bound");
    }
}

fn batch(criterion: &mut Criterion) {
    let values = values();
    let bytes: usize = values.iter().map(Vec::len).sum();
    let mut group = criterion.benchmark_group("batch");
    group.throughput(Throughput::Bytes(bytes as u64));
    let mut builder = BatchBuilder::with_capacity(BATCH_LEN);
    group.bench_function("fill", |bencher| {
        bencher.iter(|| {
            builder.clear();
            fill(&mut builder, &values);
        });
    });
    let mut out = Vec::with_capacity(2 * BATCH_LEN);
    for compression in [Compression::None, Compression::Lz4] {
        group.bench_function(format!("fill and seal, {compression:?}"), |bencher| {
            bencher.iter(|| {
                out.clear();
                fill(&mut builder, &values);
                builder
                    .seal(
                        &[("position", b"binlog.000001:4711")],
                        compression,
                        Offset(0),
                        LeaderEpoch(1),
                        &mut out,
                    )
                    .expect("the batch holds records");
                out.len()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, batch);
criterion_main!(benches);
