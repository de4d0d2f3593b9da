use std::collections::VecDeque;
use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use capture::ErrorKind;
use proptest::prelude::*;

use super::dump::{Arriving, BinlogStream, Chunk, FillOutcome};
use super::transport::Transport;
use super::{Endpoint, explain};
use crate::wire::packet::{MAX_PAYLOAD, frame};
use crate::{Error, ServerError};

/// Hands out pieces one read at a time; `None` is a read that timed out.
#[derive(Debug)]
struct Script(VecDeque<Option<Vec<u8>>>);

impl Read for Script {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some(piece) = self.0.pop_front() else { return Ok(0) };
        let Some(mut piece) = piece else { return Err(io::ErrorKind::WouldBlock.into()) };
        let count = piece.len().min(out.len());
        out[..count].copy_from_slice(&piece[..count]);
        let rest = piece.split_off(count);
        if !rest.is_empty() {
            self.0.push_front(Some(rest));
        }
        Ok(count)
    }
}

impl Arriving for Script {
    fn is_drained(&self) -> bool {
        true
    }
}

fn stream(pieces: impl IntoIterator<Item = Option<Vec<u8>>>) -> BinlogStream {
    BinlogStream::new(Script(pieces.into_iter().collect()), Vec::new(), 1, 64 << 20)
}

#[test]
fn a_reader_that_waits_long_is_woken_by_hanging_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let _server = listener.accept().unwrap();
    let transport = Transport::Plain(Arc::new(socket));
    let mut stream = BinlogStream::new(transport, Vec::new(), 1, 1 << 20);
    let hang_up = stream.wait_up_to(Duration::from_secs(60)).unwrap();
    std::thread::scope(|threads| {
        let reading = threads.spawn(|| stream.fill(&mut Chunk::default(), 0));
        hang_up.hang_up();
        let ended = reading.join().unwrap();
        assert!(matches!(ended, Err(Error::Closed { .. })), "{ended:?}");
    });
}

/// The events as a server sends them, the first packet numbered 1.
fn packets(events: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut sequence = 1;
    for event in events {
        sequence = frame(&[&[0], event.as_slice()].concat(), sequence, &mut out);
    }
    out
}

fn collect(mut stream: BinlogStream) -> (Vec<Vec<u8>>, Error) {
    let mut chunk = Chunk::default();
    let mut events = Vec::new();
    loop {
        match stream.fill(&mut chunk, 1 << 20) {
            Ok(FillOutcome::Events) => {
                assert!(!chunk.is_empty());
                events.extend(chunk.events().map(<[u8]>::to_vec));
            }
            Ok(FillOutcome::Silence | FillOutcome::Partial) => assert!(chunk.is_empty()),
            Ok(FillOutcome::End) => panic!("no end was sent"),
            Err(error) => return (events, error),
        }
    }
}

proptest! {
    #[test]
    fn events_come_out_whole_however_they_arrive(
        lengths in proptest::collection::vec(0_usize..3_000, 0..60),
        cuts in proptest::collection::vec((1_usize..5_000, any::<bool>()), 1..60),
    ) {
        let events: Vec<Vec<u8>> =
            lengths.iter().enumerate().map(|(at, length)| vec![u8::try_from(at).unwrap(); *length]).collect();
        let bytes = packets(&events);
        let mut rest = &bytes[..];
        let mut pieces = Vec::new();
        for (cut, pause) in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            pieces.push(Some(piece.to_vec()));
            if *pause {
                pieces.push(None);
            }
            rest = after;
        }
        let (received, error) = collect(stream(pieces));
        prop_assert_eq!(received, events);
        prop_assert!(matches!(error, Error::Closed { .. }), "{error:?}");
    }
}

#[test]
fn a04_events_over_16_mb_are_reassembled() {
    for length in [MAX_PAYLOAD - 2, MAX_PAYLOAD - 1, MAX_PAYLOAD, 2 * MAX_PAYLOAD + 77] {
        let mut long = vec![7; length];
        long[length - 1] = 9;
        let events = [vec![1; 10], long, vec![2; 20]];
        let bytes = packets(&events);
        let pieces = bytes.chunks(3_000_001).flat_map(|piece| [Some(piece.to_vec()), None]);
        let (received, error) = collect(stream(pieces));
        assert!(received == events, "length {length}");
        assert!(matches!(error, Error::Closed { .. }));
    }
}

#[test]
fn an_event_over_the_limit_is_refused_before_it_is_read() {
    let mut stream = stream([Some(packets(&[vec![0; 65 << 20]]))]);
    let mut chunk = Chunk::default();
    let error = loop {
        match stream.fill(&mut chunk, 0) {
            Ok(FillOutcome::Silence | FillOutcome::Partial) => {}
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::TooLarge { limit, .. } if limit == (64 << 20) + 1), "{error:?}");
    assert!(chunk.capacity() < 64 << 20);
}

#[test]
fn events_before_an_error_come_first() {
    let mut bytes = packets(&[vec![5; 30]]);
    let refusal = [&[0xff, 0xd4, 0x04][..], b"#HY000gone"].concat();
    frame(&refusal, 2, &mut bytes);
    let (events, error) = collect(stream([Some(bytes)]));
    assert_eq!(events, [vec![5; 30]]);
    assert_eq!(error.server_code(), Some(1236));
}

#[test]
fn events_before_damage_come_first() {
    let mut bytes = packets(&[vec![5; 30]]);
    bytes.extend([0, 0, 0, 2]);
    let (events, error) = collect(stream([Some(bytes)]));
    assert_eq!(events, [vec![5; 30]]);
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
}

#[test]
fn silence_and_a_part_of_an_event_are_told_apart() {
    let bytes = packets(&[vec![5; 30]]);
    let (head, tail) = bytes.split_at(20);
    let mut stream = stream([None, Some(head.to_vec()), None, Some(tail.to_vec())]);
    let mut chunk = Chunk::default();
    assert_eq!(stream.fill(&mut chunk, 0).unwrap(), FillOutcome::Silence);
    assert_eq!(stream.fill(&mut chunk, 0).unwrap(), FillOutcome::Partial);
    assert_eq!(stream.fill(&mut chunk, 0).unwrap(), FillOutcome::Events);
    assert_eq!(stream.bytes_read(), bytes.len() as u64);
}

#[test]
fn the_end_of_a_dump_is_told() {
    let mut bytes = packets(&[vec![5; 30]]);
    frame(&[0xfe, 0, 0, 2, 0], 2, &mut bytes);
    let mut stream = stream([Some(bytes)]);
    let mut chunk = Chunk::default();
    assert_eq!(stream.fill(&mut chunk, 0).unwrap(), FillOutcome::Events);
    assert_eq!(chunk.event(0), Some(&[5; 30][..]));
    assert_eq!((chunk.len(), chunk.event(1)), (1, None));
    assert_eq!(stream.fill(&mut chunk, 0).unwrap(), FillOutcome::End);
}

#[test]
fn a_damaged_stream_is_an_error() {
    let mut skipped = packets(&[vec![5; 30]]);
    skipped[3] = 9;
    let unknown = vec![1, 0, 0, 1, 0x77];
    let empty = vec![0, 0, 0, 1];
    for bytes in [skipped, unknown, empty] {
        let (events, error) = collect(stream([Some(bytes)]));
        assert!(events.is_empty() && matches!(error, Error::Malformed { .. }), "{error:?}");
    }
}

fn endpoint() -> Endpoint {
    Endpoint::parse("mysql://cdc:geheim@db:3307/shop").unwrap()
}

fn server_error(code: u16, message: &str) -> Error {
    Error::Server(ServerError { code, sqlstate: "HY000".into(), message: message.into() })
}

/// Texts of MySQL 9.7 and MariaDB 10.11.
#[test]
fn each_error_of_a_server_has_its_kind_and_code() {
    use ErrorKind::{Corrupt, Denied, Misconfigured, PositionLost, Unreachable};
    for (code, text, kind, name) in [
        (1045, "Access denied for user 'cdc'@'h' (using password: YES)", Denied, "access_denied"),
        (3118, "Access denied for user 'cdc'@'h'. Account is locked.", Denied, "account_locked"),
        (1227, "Access denied; you need REPLICATION SLAVE", Denied, "missing_privilege"),
        (1040, "Too many connections", Unreachable, "too_many_connections"),
        (1053, "Server shutdown in progress", Unreachable, "connection_lost"),
        (
            1236,
            "Could not find first log file name in binary log index file",
            PositionLost,
            "binlog_purged",
        ),
        (
            1236,
            "Cannot replicate because the source purged required binary logs.",
            PositionLost,
            "binlog_purged",
        ),
        (
            1236,
            "Client requested source to start replication from position > file size",
            PositionLost,
            "position_unknown",
        ),
        (
            1236,
            "Error: connecting slave requested to start from GTID 0-1-9999, which is not in the master's binlog",
            PositionLost,
            "position_unknown",
        ),
        (
            1236,
            "Replica has more GTIDs than the source has, using the source's SERVER_UUID.",
            PositionLost,
            "position_unknown",
        ),
        (
            1236,
            "log event entry exceeded max_allowed_packet; Increase max_allowed_packet on source",
            Misconfigured,
            "max_allowed_packet",
        ),
        (
            1236,
            "A replica with the same server_uuid/server_id as this replica has connected to the source",
            Misconfigured,
            "server_id_taken",
        ),
        (
            4052,
            "A slave with the same server_uuid/server_id is already connected; the first event '.' at 4",
            Misconfigured,
            "server_id_taken",
        ),
        (1236, "Binary log is not open", Misconfigured, "binlog_off"),
        (1236, "bogus data in log event", Corrupt, "binlog_unreadable"),
    ] {
        let said = explain(server_error(code, text), &endpoint(), Some("bin.000007:4711"));
        assert_eq!((said.kind, said.code), (kind, name), "{text}");
        assert!(!said.message.contains("geheim"));
    }
}

#[test]
fn a_lost_position_says_where_and_what_the_choices_are() {
    let error = server_error(1236, "Could not find first log file name in binary log index file");
    let said = explain(error, &endpoint(), Some("bin.000007:4711"));
    assert!(said.message.contains("bin.000007:4711") && said.message.contains("db:3307"));
    assert!(said.remedies.iter().any(|remedy| remedy.contains("--accept-gap")));
}

#[test]
fn an_unknown_host_and_a_closed_port_are_told_apart() {
    let refused = Error::Connect {
        address: "db:3307".into(),
        source: io::ErrorKind::ConnectionRefused.into(),
    };
    let unknown = Error::Resolve { host: "db".into(), source: io::ErrorKind::NotFound.into() };
    assert_eq!(explain(refused, &endpoint(), None).code, "unreachable");
    let said = explain(unknown, &endpoint(), None);
    assert_eq!((said.kind, said.code), (ErrorKind::Unreachable, "unknown_host"));
}
