//! The log against a model of it: through crashes at any moment, what was acknowledged is there, in
//! order, once, and what was served never changes.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::Retention;

#[derive(Debug, Clone)]
enum Step {
    /// Appends batches with so many records each.
    Append(Vec<usize>),
    Sync,
    Retain {
        max_bytes: u64,
    },
    /// The process is killed; what it wrote stays in the system's memory.
    Kill,
    /// The machine loses power.
    LosePower(u64),
    /// So many bytes are free from now on.
    Fill(u64),
    /// Space is free again.
    Empty,
    /// The next sync fails, then the log is opened again.
    FailSync,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        10 => prop::collection::vec(1..4_usize, 1..4).prop_map(Step::Append),
        5 => Just(Step::Sync),
        1 => (0..3000_u64).prop_map(|max_bytes| Step::Retain { max_bytes }),
        1 => Just(Step::Kill),
        2 => any::<u64>().prop_map(Step::LosePower),
        1 => (0..700_u64).prop_map(Step::Fill),
        2 => Just(Step::Empty),
        1 => Just(Step::FailSync),
    ];
    prop::collection::vec(step, 1..120)
}

/// The log under test and what it must hold.
struct Model {
    disk: SimulatedDisk,
    partition: Option<Partition>,
    /// Every record appended, by offset; cut off where recovery says so.
    appended: Vec<String>,
    /// How many of them were acknowledged by a sync, and may never go.
    acknowledged: usize,
    /// Makes each value different, so that an offset given out twice is noticed.
    appends: usize,
}

impl Model {
    fn new() -> Self {
        let disk = SimulatedDisk::new();
        let partition = Some(open(&disk, &small()));
        Self { disk, partition, appended: Vec::new(), acknowledged: 0, appends: 0 }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Append(batches) => self.append(batches),
            Step::Sync => {
                self.writer().sync().unwrap();
                self.acknowledged = self.appended.len();
            }
            Step::Retain { max_bytes } => {
                let retention = Retention { age: Some(Duration::MAX), max_bytes: Some(*max_bytes) };
                self.writer().retain(0, &retention).unwrap();
            }
            Step::Kill => self.reopen(|_| ()),
            Step::LosePower(seed) => self.reopen(|disk| disk.lose_power(*seed)),
            Step::Fill(free) => self.disk.limit_growth(Some(*free)),
            Step::Empty => self.disk.limit_growth(None),
            Step::FailSync => {
                self.disk.fail_syncs(true);
                if self.appended.len() > self.acknowledged {
                    self.writer().sync().unwrap_err();
                    self.appended.truncate(self.acknowledged);
                }
                self.disk.fail_syncs(false);
                self.reopen(|_| ());
            }
        }
        self.check();
    }

    fn append(&mut self, batches: &[usize]) {
        let mut next = self.writer().next_offset();
        let mut values = Vec::new();
        let mut bytes = Vec::new();
        for records in batches {
            let first = values.len();
            for _ in 0..*records {
                self.appends += 1;
                values.push(format!("value {}", self.appends));
            }
            let records: Vec<_> = values[first..].iter().map(|value| (1, value.as_str())).collect();
            bytes.extend(batch(next, &records));
            next = Offset(next.0 + i64::try_from(records.len()).unwrap());
        }
        match self.writer().append(&mut bytes) {
            Ok(end) => {
                assert_eq!(end, next);
                self.appended.extend(values);
            }
            Err(error) => assert!(matches!(error, Error::Full { .. }), "{error}"),
        }
        // An append may have rolled, which acknowledges all before it.
        let visible = self.reader().high_watermark();
        self.acknowledged = self.acknowledged.max(usize::try_from(visible.0).unwrap());
    }

    fn reopen(&mut self, crash: impl FnOnce(&SimulatedDisk)) {
        self.partition = None;
        crash(&self.disk);
        self.disk.limit_growth(None);
        let partition = open(&self.disk, &small());
        let end = usize::try_from(partition.recovery.next_offset.0).unwrap();
        assert!(end >= self.acknowledged, "acknowledged records are lost");
        assert!(end <= self.appended.len(), "records from nowhere");
        assert_eq!(partition.recovery.last_batch.is_some(), end > 0, "the position is kept");
        self.appended.truncate(end);
        self.acknowledged = end;
        self.partition = Some(partition);
    }

    fn check(&mut self) {
        let reader = self.reader();
        let start = reader.log_start_offset();
        assert_eq!(reader.high_watermark().0, i64::try_from(self.acknowledged).unwrap());
        let found = records_from(reader, start, 200);
        let first = usize::try_from(start.0).unwrap();
        let expected: Vec<_> = (start.0..)
            .zip(&self.appended[first..self.acknowledged])
            .map(|(offset, value)| (offset, 1, value.clone()))
            .collect();
        assert_eq!(found, expected);
    }

    fn writer(&mut self) -> &mut Writer {
        &mut self.partition.as_mut().unwrap().writer
    }

    fn reader(&self) -> &Reader {
        &self.partition.as_ref().unwrap().reader
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn j07_acknowledged_records_survive_every_crash_once_and_in_order(steps in steps()) {
        let mut model = Model::new();
        for step in &steps {
            model.take(step);
        }
    }
}
