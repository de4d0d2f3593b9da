//! The door that a catch-up pushes through: as the task's own, with resume points of two places.

use std::time::Duration;

use capture::{Sink, SinkError};
use change::{Body, Change, Position, Resume, SourceInfo};

use super::place::CatchUpResume;

/// Passes on the rows of one table that was held back.
pub(super) struct CatchUpSink<'a> {
    pub(super) sink: &'a mut dyn Sink,
    /// Where all else stands.
    pub(super) main: &'a Position,
    pub(super) database: &'a str,
    pub(super) table: &'a str,
}

impl CatchUpSink<'_> {
    fn pass<T>(
        &mut self,
        change: &Change<'_>,
        on: impl FnOnce(&mut dyn Sink, &Change<'_>) -> Result<T, SinkError>,
    ) -> Result<T, SinkError> {
        let Self { sink, main, database, table } = self;
        let resume = CatchUpResume { main, database, table, inner: change.resume };
        on(*sink, &Change { resume: &resume, ..*change })
    }
}

impl Sink for CatchUpSink<'_> {
    fn connected(&mut self, _: &SourceInfo, _: &dyn Resume) -> Result<(), SinkError> {
        Ok(())
    }

    fn change(&mut self, change: &Change<'_>) -> Result<(), SinkError> {
        // Statements were delivered when they were read first.
        if matches!(change.body, Body::Ddl(_)) {
            return Ok(());
        }
        self.pass(change, |sink, change| sink.change(change))
    }

    fn progress(&mut self, at: &Change<'_>) -> Result<(), SinkError> {
        self.pass(at, |sink, at| sink.progress(at))
    }

    fn idle(&mut self, at: &Change<'_>) -> Result<Duration, SinkError> {
        self.pass(at, |sink, at| sink.idle(at))
    }

    fn settle(&mut self, at: &Change<'_>) -> Result<(), SinkError> {
        self.pass(at, |sink, at| sink.settle(at))
    }
}
