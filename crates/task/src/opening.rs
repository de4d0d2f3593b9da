//! Opening the logs of all tasks at the start of a server, several at a time: to open one is to wait for
//! the disk, a few times, and a thousand of them one behind the other take half a minute.

use std::sync::{Mutex, PoisonError};

use crate::tasks::Tasks;

/// Logs opened at a time. A disk makes many flushes into few; more threads than this gain nothing.
const AT_ONCE: usize = 16;

impl Tasks {
    /// Opens each task's log, and brings it to where it was when the server stopped.
    pub(crate) fn open_all(&self, kept: Vec<catalog::Task>) {
        let helpers = kept.len().min(AT_ONCE).saturating_sub(1);
        let left = Mutex::new(kept.into_iter());
        let work = || {
            while let Some(task) = next(&left) {
                self.open_one(task);
            }
        };
        std::thread::scope(|threads| {
            for _ in 0..helpers {
                let helper = std::thread::Builder::new().name("open logs".into());
                if let Err(error) = helper.spawn_scoped(threads, work) {
                    tracing::debug!(%error, "logs are opened by fewer threads");
                }
            }
            work();
        });
    }

    fn open_one(&self, task: catalog::Task) {
        let catalog::Task { spec, desired, failure, .. } = task;
        match self.open_kept(spec.clone(), desired) {
            Ok(task) => self.enter_kept(&task, desired, failure),
            Err(error) => self.set_aside(spec, &error),
        }
    }
}

fn next(left: &Mutex<impl Iterator<Item = catalog::Task>>) -> Option<catalog::Task> {
    left.lock().unwrap_or_else(PoisonError::into_inner).next()
}
