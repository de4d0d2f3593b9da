//! What all tasks of a server share.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use budget::Budget;
use change::TaskName;
use kafka::batch::Compression;
use log::durable::Disk;

/// Settings that come from the server's configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder that holds one folder per task.
    pub log_dir: PathBuf,
    /// The disk that the logs are on; tests have others than the real one.
    pub disk: Arc<dyn Disk>,
    /// Size at which a segment is closed.
    pub segment_bytes: u32,
    /// Compression of record batches.
    pub compression: Compression,
    /// Longest time a change waits for others to share its disk flush.
    pub sync_interval: Duration,
    /// Pause without records after which a heartbeat record is written.
    pub heartbeat: Duration,
    /// Bound of each queue between the threads of a capture.
    pub queue_bytes: usize,
    /// The memory that tasks share among themselves, and with connections.
    pub budget: Budget,
    /// Free bytes below which the capture pauses.
    pub min_free_bytes: u64,
    /// How long a failing source is retried before the task fails.
    pub retry_for: Duration,
    /// Longest pause between two tries.
    pub retry_max_interval: Duration,
    /// Age beyond which closed segments are deleted, where a task does not say otherwise.
    pub retention: Duration,
    /// Size beyond which the oldest closed segments are deleted, where a task does not say otherwise.
    pub retention_bytes: Option<u64>,
}

impl Settings {
    /// The folder of a task's only partition.
    pub(crate) fn partition_dir(&self, task: &TaskName) -> PathBuf {
        self.log_dir.join(task.as_str()).join("0")
    }
}
