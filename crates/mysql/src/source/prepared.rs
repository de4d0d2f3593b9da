//! The server's log, read a second time beside the dump: the group of a prepared XA transaction.

use std::time::{Duration, Instant};

use capture::{SinkError, Stop};

use super::error::Failure;
use super::gtids::Gtids;
use super::translator::{EachEvent, PreparedLog};
use super::xa::Prepared;
use crate::Error;
use crate::binlog::{EventHeader, EventType};
use crate::connection::{
    BinlogStream, Chunk, Connection, DumpStart, Endpoint, FillOutcome, Replica, ReplicaOptions,
    Timeouts,
};

/// Opens a connection for each group; a dump cannot be ended in another way.
#[derive(Debug)]
pub(crate) struct SecondDump {
    endpoint: Endpoint,
    timeouts: Timeouts,
    /// Of the dump beside, but for the number.
    options: ReplicaOptions,
    stop: Stop,
}

/// Bytes asked of the socket at once.
const CHUNK_BYTES: usize = 256 << 10;
/// Without an event of the log for so long, nothing more will come.
const SILENCE_MAX: Duration = Duration::from_secs(60);

impl SecondDump {
    pub(crate) fn new(
        endpoint: Endpoint,
        timeouts: Timeouts,
        options: ReplicaOptions,
        stop: Stop,
    ) -> Self {
        // The server ends a dump when another one comes with its number.
        let options = ReplicaOptions { server_id: None, ..options };
        Self { endpoint, timeouts, options, stop }
    }

    fn start(&self, group: &Prepared, executed: &Gtids) -> Result<BinlogStream, Failure> {
        let Some(start) = dump_start(group, executed) else {
            return Err(Failure::prepared_lost(group, "neither a file nor a GTID leads there"));
        };
        let connection = Connection::connect(&self.endpoint, self.timeouts)?;
        let replica = Replica::prepare(connection, self.options)?;
        Ok(replica.start(&start)?)
    }
}

impl PreparedLog for SecondDump {
    fn read(
        &mut self,
        group: &Prepared,
        executed: &Gtids,
        each: &mut EachEvent<'_>,
    ) -> Result<(), Failure> {
        let stream = self.start(group, executed)?;
        follow(stream, group, SILENCE_MAX, &self.stop, each)
    }
}

/// Hands out what the server sends until `each` has enough. Without an event of the log for `silence_max`
/// nothing more will come.
fn follow(
    mut stream: BinlogStream,
    group: &Prepared,
    silence_max: Duration,
    stop: &Stop,
    each: &mut EachEvent<'_>,
) -> Result<(), Failure> {
    let mut chunk = Chunk::with_capacity(CHUNK_BYTES);
    let mut heard_at = Instant::now();
    while !stop.is_raised() {
        let mut heard = false;
        match stream.fill(&mut chunk, CHUNK_BYTES) {
            Ok(FillOutcome::Events) => {
                for event in chunk.events() {
                    if each(event)?.is_break() {
                        return Ok(());
                    }
                    heard |= !is_heartbeat(event);
                }
            }
            Ok(FillOutcome::Partial) => heard = true,
            Ok(FillOutcome::Silence) => {}
            Ok(FillOutcome::End) => return Err(Error::Closed { doing: DOING }.into()),
            // The file or the GTID is not there, which does not mend itself.
            Err(Error::Server(error)) if error.code == MASTER_FATAL_ERROR_READING_BINLOG => {
                return Err(Failure::prepared_lost(group, error.message));
            }
            Err(error) => return Err(error.into()),
        }
        if heard {
            // Not before: storing what came is not the server's silence.
            heard_at = Instant::now();
        } else if heard_at.elapsed() >= silence_max {
            return Err(Failure::prepared_lost(group, "the log ends before it"));
        }
    }
    Err(SinkError::Closed.into())
}

/// The file where it is known, else the GTIDs. A dump cannot start beyond 4 GiB of a file.
fn dump_start(group: &Prepared, executed: &Gtids) -> Option<DumpStart> {
    let by_file = || DumpStart::File { name: group.file.clone(), position: group.offset };
    if !group.file.is_empty() && u32::try_from(group.offset).is_ok() {
        return Some(by_file());
    }
    match group.gtids_before(executed) {
        Some(Gtids::MySql(set)) if !group.gtid.is_empty() => {
            let mut encoded = Vec::new();
            set.encode(&mut encoded);
            Some(DumpStart::MySqlGtid { set: encoded })
        }
        Some(Gtids::MariaDb(list)) => Some(DumpStart::MariaDbGtid { position: list.to_string() }),
        _ => (!group.file.is_empty()).then(by_file),
    }
}

fn is_heartbeat(event: &[u8]) -> bool {
    let kind = EventHeader::parse(event).map(|header| header.event_type);
    matches!(kind, Ok(EventType::HEARTBEAT | EventType::HEARTBEAT_V2))
}

const MASTER_FATAL_ERROR_READING_BINLOG: u16 = 1236;
const DOING: &str = "reading the rows of an XA transaction";

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::ops::ControlFlow;

    use super::*;
    use crate::source::xa::Xid;

    fn group(file: &str, offset: u64, gtid: &str, previous: &str) -> Prepared {
        Prepared {
            xid: Xid::new(1, b"x", b""),
            has_rows: true,
            file: file.into(),
            offset,
            gtid: gtid.into(),
            previous: previous.into(),
        }
    }

    fn encoded(set: &str) -> DumpStart {
        let Ok(Gtids::MySql(set)) = Gtids::parse(set) else { panic!("{set} is no set") };
        let mut bytes = Vec::new();
        set.encode(&mut bytes);
        DumpStart::MySqlGtid { set: bytes }
    }

    #[test]
    fn a25_on_the_same_server_the_file_leads_to_a_prepared_group() {
        let start = dump_start(&group("bin.000007", 4711, "", ""), &Gtids::None);
        assert_eq!(start, Some(DumpStart::File { name: "bin.000007".into(), position: 4711 }));
    }

    #[test]
    fn a25_on_another_server_the_gtids_without_its_own_lead_there() {
        const UUID: &str = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
        let executed = Gtids::parse(&format!("{UUID}:1-9")).unwrap();
        let start = dump_start(&group("", 0, &format!("{UUID}:5"), ""), &executed);
        assert_eq!(start, Some(encoded(&format!("{UUID}:1-4:6-9"))));
        let far = dump_start(&group("bin.000007", 5 << 32, &format!("{UUID}:9"), ""), &executed);
        assert_eq!(far, Some(encoded(&format!("{UUID}:1-8"))));

        let executed = Gtids::parse("0-1-9,1-1-7").unwrap();
        let start = |previous| dump_start(&group("", 0, "0-1-5", previous), &executed);
        let behind = |position: &str| Some(DumpStart::MariaDbGtid { position: position.into() });
        assert_eq!(start("0-2-4"), behind("0-2-4,1-1-7"));
        assert_eq!(start(""), behind("1-1-7"));
    }

    #[test]
    fn a25_without_file_and_gtid_nothing_leads_there() {
        assert_eq!(dump_start(&group("", 0, "", ""), &Gtids::None), None);
    }

    /// One packet at each look.
    struct OneByOne(VecDeque<Vec<u8>>);

    impl std::io::Read for OneByOne {
        fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
            let Some(packet) = self.0.pop_front() else {
                return Err(std::io::ErrorKind::WouldBlock.into());
            };
            room[..packet.len()].copy_from_slice(&packet);
            Ok(packet.len())
        }
    }

    #[test]
    fn a25_rows_that_take_long_to_store_are_not_taken_for_the_end_of_the_log() {
        let packet = |number: u8| vec![4, 0, 0, number, 0, b'a', b'b', b'c'];
        let taken = |until: u32| {
            let stream = BinlogStream::of(OneByOne((1..4).map(packet).collect()));
            let (group, mut seen) = (group("bin.000007", 4, "", ""), 0);
            // All time is too long.
            let followed = follow(stream, &group, Duration::ZERO, &Stop::default(), &mut |_| {
                seen += 1;
                Ok(if seen == until { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            });
            (seen, followed)
        };
        let all = taken(3);
        assert!(matches!(all, (3, Ok(()))), "{all:?}");
        let more = taken(4);
        assert!(matches!(more, (3, Err(Failure::PreparedLost { .. }))), "{more:?}");
    }
}
