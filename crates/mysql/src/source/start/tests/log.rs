//! Places in logs of real servers: found by time and by offset, and read forward to.

use super::super::forward::Forward;
use super::super::scan::{Found, Scan};
use super::super::search::{Logs, Look, by_offset, by_time, first_file, head};
use super::*;
use crate::binlog::{Checksum, DecodeError, Event, EventHeader, FormatDescription, RawEvent};
use crate::connection::BinlogFile;

const MYSQL: &[u8] = include_bytes!("../../testdata/mysql-9.7-groups.binlog");
const MYSQL_COMPRESSED: &[u8] = include_bytes!("../../testdata/mysql-9.7-compressed.binlog");
const MARIADB: &[u8] = include_bytes!("../../testdata/mariadb-10.11-groups.binlog");
const MARIADB_COMPRESSED: &[u8] = include_bytes!("../../testdata/mariadb-10.11-compressed.binlog");
const ALL: [&[u8]; 4] = [MYSQL, MYSQL_COMPRESSED, MARIADB, MARIADB_COMPRESSED];

/// The numbers of events that begin a group, and of those that stand between groups.
const GROUP_BEGINS: [u8; 4] = [33, 34, 42, 162];
const CONTROL: [u8; 7] = [3, 4, 15, 35, 161, 163, 164];

/// The events of a file with the offsets at which they start.
fn cut(file: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let (mut events, mut offset) = (Vec::new(), 4);
    while let Some(rest) = file.get(offset..).filter(|rest| !rest.is_empty()) {
        let size = usize::try_from(EventHeader::parse(rest).unwrap().event_size).unwrap();
        events.push((offset as u64, rest[..size].to_vec()));
        offset += size;
    }
    events
}

fn signed(mut event: Vec<u8>) -> Vec<u8> {
    let checksum = crc32fast::hash(&event);
    event.extend_from_slice(&checksum.to_le_bytes());
    event
}

/// The ROTATE that a server makes at the start of each dump and between files.
fn fake_rotate(file: &str, position: u64) -> Vec<u8> {
    let mut event = vec![0, 0, 0, 0, 4, 1, 0, 0, 0];
    let size = u32::try_from(EventHeader::LENGTH + 8 + file.len() + 4).unwrap();
    event.extend_from_slice(&size.to_le_bytes());
    event.extend_from_slice(&[0, 0, 0, 0, 0x20, 0]);
    event.extend_from_slice(&position.to_le_bytes());
    event.extend_from_slice(file.as_bytes());
    signed(event)
}

/// A log in memory.
struct Files(Vec<(String, Vec<Vec<u8>>)>);

impl Files {
    /// Each file of `count` is a copy of the same one, `step_s` seconds later than the one before it.
    fn copies(file: &[u8], count: u32, step_s: u32) -> Self {
        let copy = |index: u32| {
            let later = |(_, event): (u64, Vec<u8>)| {
                let time = EventHeader::parse(&event).unwrap().timestamp + index * step_s;
                let mut event = event[..event.len() - 4].to_vec();
                event[..4].copy_from_slice(&time.to_le_bytes());
                signed(event)
            };
            let events = cut(file).into_iter().map(later).collect();
            (format!("bin.{:06}", index + 1), events)
        };
        Self((0..count).map(copy).collect())
    }

    fn facts(&self, like: ServerFacts) -> ServerFacts {
        let bytes = |events: &[Vec<u8>]| 4 + events.iter().map(Vec::len).sum::<usize>() as u64;
        let file = |(name, events): &(String, Vec<Vec<u8>>)| BinlogFile {
            name: name.clone(),
            bytes: bytes(events),
        };
        let files: Vec<_> = self.0.iter().map(file).collect();
        let last = files.last().unwrap();
        let log_end = Some(LogEnd { file: last.name.clone(), position: last.bytes });
        ServerFacts { log_end, binlog_files: files, gtid_purged: None, ..like }
    }
}

impl Logs for Files {
    fn read(
        &mut self,
        file: &str,
        each: &mut dyn FnMut(&[u8]) -> Result<Look, SourceError>,
    ) -> Result<(), SourceError> {
        let from = self.0.iter().position(|(name, _)| name == file).expect("the file exists");
        for (name, events) in &self.0[from..] {
            for event in std::iter::once(&fake_rotate(name, 4)).chain(events) {
                if each(event)? == Look::Enough {
                    return Ok(());
                }
            }
        }
        panic!("the log's end must be recognized");
    }
}

/// Where groups begin or the file goes on, by the kinds of events alone.
fn boundaries(file: &[u8]) -> Vec<u64> {
    let events = cut(file);
    let is_boundary =
        |event: &[u8]| GROUP_BEGINS.contains(&event[4]) || CONTROL.contains(&event[4]);
    let starts = events.iter().filter(|(_, event)| is_boundary(event)).map(|(start, _)| *start);
    starts.chain([file.len() as u64]).collect()
}

#[test]
fn e12_an_offset_is_taken_exactly_where_a_group_begins() {
    for file in ALL {
        let mut files = Files::copies(file, 1, 0);
        let expected = boundaries(file);
        for offset in cut(file).iter().map(|(start, _)| *start).chain([file.len() as u64]) {
            let found = by_offset(&mut files, Checksum::Crc32, "bin.000001", offset);
            assert_eq!(found.is_ok(), expected.contains(&offset), "{offset}: {found:?}");
        }
        let middle = expected[expected.len() - 2];
        let error = by_offset(&mut files, Checksum::Crc32, "bin.000001", middle - 1).unwrap_err();
        let before = expected[expected.len() - 3];
        let nearest =
            format!("nearest places to start at are bin.000001:{before} and bin.000001:{middle}");
        assert!(error.message.contains(&nearest), "{error}");
        assert!(error.remedies[0].contains(&format!("--start bin.000001:{before}")), "{error}");
        let error = by_offset(&mut files, Checksum::Crc32, "bin.000001", 1).unwrap_err();
        assert!(error.message.ends_with("bin.000001:4"), "{error}");
    }
}

/// What was executed before each group, by decoding the events that begin one.
fn executed_before(file: &[u8]) -> Vec<(u64, Gtids)> {
    let mut format = FormatDescription::assumed();
    format.checksum = Checksum::Crc32;
    let mut gtids = Gtids::None;
    let mut open: Option<Event<'_>> = None;
    let mut places = Vec::new();
    let events = cut(file);
    for (start, event) in &events {
        let raw = RawEvent::parse(event, Checksum::Crc32).unwrap();
        let decoded = Event::decode(&raw, &format).unwrap();
        if GROUP_BEGINS.contains(&event[4]) {
            match (open.take(), &mut gtids) {
                (Some(Event::Gtid(gtid)), Gtids::MySql(set)) => set.add(gtid.gtid.unwrap()),
                (Some(Event::MariaDbGtid(gtid)), Gtids::MariaDb(list)) => list.set(gtid.gtid),
                _ => {}
            }
            places.push((*start, gtids.clone()));
            open = Some(decoded);
        } else {
            match decoded {
                Event::FormatDescription(description) => format = description,
                Event::PreviousGtids(previous) => gtids = Gtids::MySql(previous.set().unwrap()),
                Event::GtidList(list) => {
                    let mut state = GtidList::new();
                    list.gtids().for_each(|gtid| state.set(gtid));
                    gtids = Gtids::MariaDb(state);
                }
                _ => {}
            }
        }
    }
    places
}

#[test]
fn e02_a_place_is_found_with_all_that_was_executed_before_it() {
    for file in ALL {
        let mut files = Files::copies(file, 1, 0);
        let places = executed_before(file);
        assert!(places.len() > 3 && !places[1].1.is_none());
        // The file itself says it, but only behind its beginning.
        let before_file = places.iter().map(|(_, gtids)| gtids).find(|gtids| !gtids.is_none());
        let first = by_offset(&mut files, Checksum::Crc32, "bin.000001", FILE_START).unwrap();
        assert_eq!(Some(&first.gtids), before_file);
        for (offset, gtids) in places {
            let found = by_offset(&mut files, Checksum::Crc32, "bin.000001", offset).unwrap();
            assert_eq!(found, Found { file: "bin.000001".into(), offset, gtids });
        }
    }
}

/// The latest time that each group may be of, by its events' headers and commit times.
fn group_times(file: &[u8]) -> Vec<(u64, i64)> {
    let mut format = FormatDescription::assumed();
    format.checksum = Checksum::Crc32;
    let mut groups: Vec<(u64, i64)> = Vec::new();
    let mut is_exact = false;
    for (start, event) in &cut(file) {
        let raw = RawEvent::parse(event, Checksum::Crc32).unwrap();
        let mut micros = raw.header.time().micros();
        match Event::decode(&raw, &format).unwrap() {
            Event::FormatDescription(description) => format = description,
            Event::Gtid(gtid) => {
                is_exact = gtid.immediate_commit.is_some();
                micros = micros.max(gtid.immediate_commit.map_or(0, |time| time.micros()));
            }
            _ => {}
        }
        if !is_exact {
            micros += 999_999;
        }
        if GROUP_BEGINS.contains(&event[4]) {
            groups.push((*start, micros));
        } else if !CONTROL.contains(&event[4]) {
            let last = groups.last_mut().unwrap();
            last.1 = last.1.max(micros);
        }
    }
    groups
}

#[test]
fn e12_a_time_leads_to_the_first_group_that_may_be_of_it() {
    for (file, like) in [(MYSQL, mysql()), (MYSQL_COMPRESSED, mysql()), (MARIADB, mariadb())] {
        let mut files = Files::copies(file, 1, 0);
        let facts = files.facts(like);
        let groups = group_times(file);
        let latest = groups.iter().map(|(_, micros)| *micros).max().unwrap();
        let times = groups.iter().flat_map(|(_, micros)| [micros - 1, *micros, micros + 1]);
        let oldest = head(&mut files, "bin.000001", Checksum::Crc32).unwrap().created;
        let begun = i64::from(oldest) * 1_000_000 + 1;
        let times = times.filter(|micros| *micros > begun);
        for micros in times.chain([begun, latest + 1]) {
            let time = UnixTime::from_micros(micros);
            let now = UnixTime::from_micros(latest + 1);
            let found = by_time(&mut files, &facts, Checksum::Crc32, time, now).unwrap();
            let first = groups.iter().find(|(_, group)| *group >= micros);
            let expected = first.map_or(file.len() as u64, |(start, _)| *start);
            assert_eq!(found.offset, expected, "at {micros}");
        }
    }
}

#[test]
fn e12_a_time_is_found_among_a_thousand_files_through_a_few() {
    let mut asked = 0;
    let created = |index: usize| 1_000_000 + u32::try_from(index).unwrap() * 600;
    for index in [1, 2, 500, 998, 999] {
        // Half way through the file: its successor is later, and the one before it is read too.
        let time = UnixTime::from_seconds(i64::from(created(index)) + 300);
        let from = first_file(1_000, time, &mut |index| {
            asked += 1;
            Ok(created(index))
        });
        assert_eq!(from.unwrap(), index - 1);
    }
    assert!(asked <= 5 * 25, "{asked} files were looked into");
    let just_before = UnixTime::from_seconds(i64::from(created(7)) + 30);
    let from = first_file(1_000, just_before, &mut |index| Ok(created(index))).unwrap();
    assert_eq!(from, 5, "clocks may differ by a minute");
    assert_eq!(first_file(1, just_before, &mut |_| unreachable!()).unwrap(), 0);
}

#[test]
fn e13_a_clock_that_was_set_back_does_not_hide_what_came_before() {
    // The time 5000 was reached in the third file, and again after the clock was set back.
    let created = [1_000, 2_000, 4_000, 6_000, 3_000, 4_500, 5_500, 6_500, 7_000, 8_000];
    let from =
        first_file(created.len(), UnixTime::from_seconds(5_000), &mut |index| Ok(created[index]));
    assert!(from.unwrap() <= 2, "the search begins before both");
}

#[test]
fn e12_a_time_in_a_later_file_is_found_there() {
    let mut files = Files::copies(MARIADB, 20, 1_000);
    let facts = files.facts(mariadb());
    let groups = group_times(MARIADB);
    let (_, latest) = *groups.last().unwrap();
    let asked = UnixTime::from_micros(latest + 7_000_000_000);
    let now = UnixTime::from_micros(latest + 20_000_000_000);
    let found = by_time(&mut files, &facts, Checksum::Crc32, asked, now).unwrap();
    let (first, _) = groups.iter().find(|(_, micros)| *micros >= latest).unwrap();
    assert_eq!((found.file.as_str(), found.offset), ("bin.000008", *first));
}

#[test]
fn e12_a_time_before_the_oldest_file_is_a_gap_unless_nothing_was_purged() {
    let (start, _) = group_times(MARIADB)[0];
    let mut files = Files::copies(MARIADB, 2, 1_000);
    let facts = files.facts(mariadb());
    let before = UnixTime::from_seconds(5);
    let now = UnixTime::from_seconds(4_000_000_000);
    let search = |files: &mut Files, facts: &ServerFacts| {
        by_time(files, facts, Checksum::Crc32, before, now)
    };
    if head(&mut files, "bin.000001", Checksum::Crc32).unwrap().before.is_empty() {
        assert_eq!(search(&mut files, &facts).unwrap().offset, start);
    }
    files.0.remove(0);
    let facts = files.facts(mariadb());
    let error = search(&mut files, &facts).unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::PositionLost, "binlog_purged"));
    assert!(error.message.contains("begins with bin.000002 at 20"), "{error}");
    assert!(error.message.contains("(1970-01-01T00:00:05Z)"), "{error}");
}

#[test]
fn e12_a_time_in_the_future_is_refused() {
    let mut files = Files::copies(MYSQL, 1, 0);
    let facts = files.facts(mysql());
    let now = UnixTime::from_seconds(2_000_000_000);
    let later = UnixTime::from_seconds(2_000_000_061);
    let error = by_time(&mut files, &facts, Checksum::Crc32, later, now).unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Unsupported, "start_in_future"));
    let soon = UnixTime::from_seconds(2_000_000_060);
    let found = by_time(&mut files, &facts, Checksum::Crc32, soon, now).unwrap();
    assert_eq!(found.offset, MYSQL.len() as u64, "nothing is so late: the log's end");
}

#[test]
fn e03_a_files_head_tells_when_it_was_begun() {
    for file in ALL {
        let mut files = Files::copies(file, 2, 1_000);
        let first = head(&mut files, "bin.000001", Checksum::Crc32).unwrap();
        let second = head(&mut files, "bin.000002", Checksum::Crc32).unwrap();
        assert_eq!(first.created, EventHeader::parse(&file[4..]).unwrap().timestamp);
        assert_eq!(second.created, first.created + 1_000);
    }
}

#[test]
fn a20_a_group_cut_off_by_a_crash_was_not_executed() {
    for file in [MYSQL, MARIADB] {
        let places = executed_before(file);
        let (last_start, before_last) = places.last().unwrap().clone();
        let mut scan = Scan::new(Checksum::Crc32);
        scan.event(&fake_rotate("bin.000001", 4)).unwrap();
        let events = cut(file);
        let cut_off = events.iter().filter(|(start, _)| *start <= last_start);
        for (_, event) in cut_off {
            scan.event(event).unwrap();
        }
        scan.event(&fake_rotate("bin.000002", 4)).unwrap();
        assert_eq!(scan.here(), Found { file: "bin.000002".into(), offset: 4, gtids: before_last });
    }
}

#[test]
fn a32_no_bytes_make_a_search_panic() {
    for file in ALL {
        for (_, event) in cut(file) {
            for length in 0..event.len().min(200) {
                let mut bytes = event[..length].to_vec();
                // Half of them say the length that they have.
                if let Some(size) = bytes.get_mut(9..13).filter(|_| length % 2 == 0) {
                    size.copy_from_slice(&u32::try_from(length).unwrap().to_le_bytes());
                }
                let mut scan = Scan::new(Checksum::None);
                scan.event(&fake_rotate("bin.000001", u64::MAX)).ok();
                scan.event(&bytes).ok();
                let mut forward = Some(Forward::new(u64::MAX, Checksum::Crc32));
                Forward::pass(&mut forward, &bytes).ok();
                Forward::pass(&mut forward, &fake_rotate("bin.000001", u64::MAX)).unwrap();
                Forward::pass(&mut forward, &bytes).ok();
            }
        }
    }
}

/// What a reader sees of a dump that is read forward.
fn forwarded(events: &[Vec<u8>], to: u64) -> Result<Vec<Vec<u8>>, DecodeError> {
    let mut forward = Some(Forward::new(to, Checksum::Crc32));
    let mut seen = Vec::new();
    for event in events {
        seen.extend(Forward::pass(&mut forward, event)?.map(<[u8]>::to_vec));
    }
    assert!(forward.is_none() || to == events_end(events), "it was reached");
    Ok(seen)
}

fn events_end(events: &[Vec<u8>]) -> u64 {
    4 + events.iter().skip(1).map(Vec::len).sum::<usize>() as u64
}

#[test]
fn a15_reading_forward_shows_what_a_start_at_the_place_would() {
    for file in ALL {
        let mut events = vec![fake_rotate("bin.000001", 4)];
        events.extend(cut(file).into_iter().map(|(_, event)| event));
        for to in boundaries(file).into_iter().skip(1) {
            let seen = forwarded(&events, to).unwrap();
            assert_eq!(seen[0], fake_rotate("bin.000001", to));
            let format = RawEvent::parse(&seen[1], Checksum::None).expect("its checksum is right");
            assert_eq!((format.header.event_type.number(), format.header.log_pos), (15, 0));
            let behind: Vec<_> =
                cut(file).into_iter().filter(|(start, _)| *start >= to).map(|(_, e)| e).collect();
            assert_eq!(&seen[2..], behind, "from {to}");
        }
    }
}

#[test]
fn a15_a_place_beyond_four_gigabytes_is_reached() {
    // Events of just under a gigabyte, of which only the headers are looked at.
    let sized = |log_pos: u64| {
        let mut event = vec![1, 0, 0, 0, 28, 1, 0, 0, 0, 23, 0, 0, 0];
        let low = u32::try_from(log_pos & 0xffff_ffff).unwrap();
        event.extend_from_slice(&low.to_le_bytes());
        event.extend_from_slice(&[0x80, 0]);
        signed(event)
    };
    let mut events = vec![fake_rotate("bin.000001", 4), cut(MYSQL)[0].1.clone()];
    let ends: Vec<u64> = (1..=7).map(|index| index * 1_000_000_000).collect();
    events.extend(ends.iter().map(|end| sized(*end)));
    let seen = forwarded(&events, 5_000_000_000).unwrap();
    assert_eq!(seen.len(), 4, "the opening, and what stands behind the place");
    assert_eq!(seen[2], sized(6_000_000_000));
    assert!(forwarded(&events, 5_000_000_001).is_err(), "no event ends there");
}
