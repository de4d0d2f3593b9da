//! The way out of a connection: an answer's bytes, and its records.
//!
//! What a client does not take stays where it is: the message in the answer, the records in their file, and
//! in the socket's buffer what the system lets in. A client must take something within the write timeout,
//! and all of an answer at [`SLOWEST_BYTES_PER_SECOND`] at least: as long as it is being sent, a file that
//! retention has removed still takes its space on the disk.
//!
//! Many connections take turns: one gives way after [`TURN_BYTES`]. And none keeps a thread of the runtime
//! waiting for the disk: what is not in memory is first brought there by a thread made for waiting.
//!
//! In clear, records go straight from their files (`plain`); under TLS they are copied, a piece at a time
//! (`secured`).

mod plain;
mod secured;

use std::io;
use std::time::Duration;

use log::{CHECKED_BYTES, FileRange};
use tokio::time::Instant;

use crate::api::Answer;
use crate::disk::Disk;
use crate::stream::Stream;

pub(crate) use secured::COPY_BYTES_MAX;

use plain::Plain;
use secured::Secured;

/// Sends one answer.
#[derive(Debug)]
pub(crate) struct Outgoing<'c> {
    stream: &'c mut Stream,
    records: Records<'c>,
    pace: Pace,
}

/// How slowly an answer may be taken.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// A client that takes nothing for so long is given up.
    patience: Duration,
    /// When it must have taken all.
    until: Instant,
}

/// The disk, as those wait for it who send.
#[derive(Debug, Clone, Copy)]
struct Records<'c>(&'c Disk);

/// Sent at a time; others have their turn then.
const TURN_BYTES: usize = 1 << 20;
/// A client that takes less on the average is given up.
const SLOWEST_BYTES_PER_SECOND: u64 = 16 << 10;
/// A socket's buffer is said to have room when a third of it is free. A slow client may have taken
/// something long before, so that is looked after several times within the write timeout.
const LOOKS: u32 = 6;

impl<'c> Outgoing<'c> {
    /// Begins to send something of this length.
    pub(crate) fn new(
        stream: &'c mut Stream,
        disk: &'c Disk,
        patience: Duration,
        bytes: u64,
    ) -> Self {
        let enough = patience.saturating_add(Duration::from_secs(bytes / SLOWEST_BYTES_PER_SECOND));
        let pace = Pace { patience, until: Instant::now() + enough };
        Self { stream, records: Records(disk), pace }
    }

    /// Sends an answer.
    pub(crate) async fn answer(self, answer: &Answer) -> io::Result<()> {
        match self.stream {
            Stream::Plain(socket) => {
                Plain::new(socket, self.pace).answer(answer, self.records).await
            }
            Stream::Tls(stream) => {
                Secured::new(stream, self.pace).answer(answer, self.records).await
            }
        }
    }

    /// Sends bytes.
    pub(crate) async fn bytes(self, bytes: &[u8]) -> io::Result<()> {
        match self.stream {
            Stream::Plain(socket) => Plain::new(socket, self.pace).bytes(bytes, false).await,
            Stream::Tls(stream) => Secured::new(stream, self.pace).bytes(bytes).await,
        }
    }
}

impl Pace {
    /// When a client that takes nothing from now on is given up.
    fn give_up_at(self) -> Instant {
        self.until.min(Instant::now() + self.patience)
    }

    /// How long to wait for the socket before looking after it.
    fn look_after(self) -> Duration {
        self.patience / LOOKS
    }
}

impl Records<'_> {
    /// Brings the next turn of a range into memory unless it is `checked` already, and answers up to where
    /// it is now.
    async fn bring(self, range: &FileRange, sent: u64, checked: u64) -> io::Result<u64> {
        if checked > sent {
            return Ok(checked);
        }
        let turn = range.length().saturating_sub(sent).min(TURN_BYTES as u64);
        self.0.bring(range, sent, turn).await?;
        Ok(sent.saturating_add(turn))
    }
}

const _: () = assert!(TURN_BYTES as u64 == CHECKED_BYTES, "a turn is what was looked at");
