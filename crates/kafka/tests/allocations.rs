//! Putting records into a batch allocates nothing once its buffer has grown.

#[path = "../../record/tests/counting/mod.rs"]
mod counting;

use kafka::batch::{BatchBuilder, Compression};
use kafka::{LeaderEpoch, Offset};

#[test]
fn a_record_allocates_nothing_in_a_builder_that_was_used_before() {
    let mut builder = BatchBuilder::default();
    let mut out = Vec::new();
    let mut allocations_of_records = || {
        let before = counting::allocations();
        for row in 0..1_000_u32 {
            let mut record = builder.open(1_700_000_000_000 + i64::from(row));
            // Lengths on both sides of where their own length changes.
            let length = if row % 7 == 0 { 100 } else { 50 };
            record.value().extend(std::iter::repeat_n(b'x', length));
            record.finish().unwrap();
            builder.push(i64::from(row), None, Some(b"pushed")).unwrap();
        }
        let allocated = counting::allocations() - before;
        out.clear();
        let headers: [(&str, &[u8]); 1] = [("position", b"binlog.000001:4711")];
        builder.seal(&headers, Compression::Lz4, Offset(0), LeaderEpoch(1), &mut out).unwrap();
        allocated
    };
    assert!(allocations_of_records() > 0, "the counter counts");
    allocations_of_records();
    for _ in 0..20 {
        assert_eq!(allocations_of_records(), 0, "an allocation crept into the way of a record");
    }
}
