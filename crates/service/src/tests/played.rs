//! A source without a database: it delivers some statements and is silent from then on.

use std::sync::Arc;
use std::time::Duration;

use capture::{
    CaptureOptions, CheckItem, CheckResult, Sink, Source, SourceError, SourceStatus, Start, Stop,
};
use catalog::SourceSpec;
use change::{
    Body, Change, Ddl, Position, SourceInfo, SourceKind, TaskName, TopicName, Transaction, UnixTime,
};

/// Builds played sources. One at host `unfit` fails its check.
#[derive(Debug)]
pub(super) struct Played;

/// Nobody serves the topics.
#[derive(Debug)]
pub(super) struct Deaf;

#[derive(Debug)]
struct Statements {
    fit: bool,
    status: Arc<SourceStatus>,
}

/// What a played source delivers: database and statement.
const STATEMENTS: [(&str, &str); 3] =
    [("shop", "create table a"), ("crm", "create table b"), ("shop", "drop table a")];
const TIME: UnixTime = UnixTime::from_seconds(1_795_233_600);

impl task::Sources for Played {
    fn build(
        &self,
        source: &SourceSpec,
        _: CaptureOptions,
    ) -> Result<Box<dyn Source>, SourceError> {
        let fit = !source.url.contains("unfit");
        Ok(Box::new(Statements { fit, status: Arc::default() }))
    }
}

impl task::Topics for Deaf {
    fn opened(&self, _: &TaskName, _: &TopicName, _: log::Reader) {}

    fn closed(&self, _: &TopicName) {}
}

impl Source for Statements {
    fn run(&mut self, start: &Start, sink: &mut dyn Sink, stop: &Stop) -> Result<(), SourceError> {
        let resume = Position::parse(b"at=3").unwrap();
        let transaction = Transaction::default();
        let change = |body| Change {
            time: TIME,
            position: "1@1",
            safe_position: "1@1",
            resume: &resume,
            transaction: &transaction,
            body,
        };
        let info = SourceInfo { kind: SourceKind::MySql, version: "9.1.0".into() };
        sink.connected(&info, &resume).unwrap();
        if *start == Start::Now {
            for (database, statement) in STATEMENTS {
                sink.change(&change(Body::Ddl(Ddl { database, statement }))).unwrap();
            }
        }
        while !stop.is_raised() {
            if sink.idle(&change(Body::Heartbeat)).is_err() {
                break;
            }
            std::thread::park_timeout(Duration::from_millis(1));
        }
        Ok(())
    }

    fn check(&mut self) -> Vec<CheckItem> {
        let result = if self.fit { CheckResult::Ok } else { CheckResult::Failed };
        vec![CheckItem {
            group: "log",
            name: "binlog_format",
            result,
            found: "STATEMENT".into(),
            wanted: "ROW".into(),
            remedy: vec![capture::Remedy { title: "log rows".into(), sql: "SET …".into() }],
            can_skip: false,
        }]
    }

    fn status(&self) -> Arc<SourceStatus> {
        Arc::clone(&self.status)
    }
}
