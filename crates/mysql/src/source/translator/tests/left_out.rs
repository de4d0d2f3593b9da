//! Damaged events, as they are told and as they are left out.

use capture::{BadEvent, ErrorKind, Selection};

use super::definitions::{Shelf, setting};
use super::resume::parsed;
use super::{
    Catalog, FILE, History, MARIADB, MARIADB_COMPRESSED, MYSQL, MYSQL_COMPRESSED, Recorder, cut,
    dump, kind, xa,
};
use crate::binlog::Checksum;
use crate::connection::Endpoint;
use crate::source::error::Failure;
use crate::source::tables::{Setting, Tables};
use crate::source::translator::{Skipped, Translator};

const ALL: [&[u8]; 4] = [MYSQL, MYSQL_COMPRESSED, MARIADB, MARIADB_COMPRESSED];

struct Run {
    recorder: Recorder,
    skipped: Skipped,
    left_out: Vec<BadEvent>,
    failure: Option<(Failure, BadEvent)>,
}

/// Runs events, leaving out those at `places`.
fn run(start: &str, events: &[Vec<u8>], places: &[String]) -> Run {
    let (mut catalog, history) = (Catalog::default(), History::default());
    let selection = Selection::new(&["shop.*"], &["shop.hidden"]).unwrap();
    let shelf = Shelf::default();
    let setting = Setting { selection, ..setting(&history, &shelf) };
    let tables = Tables::new(setting, &mut catalog, &parsed(start)).unwrap();
    let mut again = xa::Again::default();
    let mut translator = Translator::new(parsed(start), tables, Checksum::Crc32);
    translator.set_prepared_log(&mut again);
    translator.set_skips(places.to_vec());
    let (mut recorder, mut left_out, mut failure) = (Recorder::default(), Vec::new(), None);
    for event in events {
        let handled = match translator.leaves_out(event) {
            None => translator.event(event, &mut recorder),
            Some(bad) => {
                left_out.push(bad);
                translator.leave_out(event, &mut recorder)
            }
        };
        if let Err(error) = handled {
            failure = Some((error, translator.bad_event(event)));
            break;
        }
        translator.rest(change::UnixTime::from_seconds(0), &mut recorder).unwrap();
    }
    Run { recorder, skipped: translator.skipped(), left_out, failure }
}

fn start() -> String {
    format!("file={FILE} offset=4")
}

/// The dump with one bit flipped in the body of event `index` of the file, and the event's place.
fn damaged(file: &[u8], index: usize) -> (Vec<Vec<u8>>, String) {
    let mut events = dump(file, 4);
    // The artificial ROTATE stands in front.
    let event = &mut events[index + 1];
    let middle = 19 + (event.len() - 19) / 2;
    event[middle] ^= 4;
    (events, format!("{FILE}:{}", cut(file)[index].0))
}

#[test]
fn a_damaged_event_is_told_with_its_place_its_kind_and_its_bytes() {
    let endpoint = Endpoint::parse("mysql://u@h/").unwrap();
    for file in ALL {
        for index in 1..cut(file).len() {
            let (events, place) = damaged(file, index);
            let (failure, bad) = run(&start(), &events, &[]).failure.expect("it must be noticed");
            assert_eq!(bad.place, place);
            assert_eq!(bad.bytes, events[index + 1]);
            assert_eq!(bad.size, events[index + 1].len() as u64);
            assert!(bad.kind.contains("_EVENT"), "{}", bad.kind);
            let kind = bad.kind.clone();
            let error = failure.at_event(bad, &endpoint);
            assert_eq!((error.kind, error.code), (ErrorKind::Corrupt, "checksum_mismatch"));
            assert!(error.message.contains(&place) && error.message.contains(&kind), "{error}");
            assert_eq!(error.event.unwrap().place, place);
        }
    }
}

/// What two sequences of texts have not in common in the middle.
fn difference<'t>(one: &[&'t str], other: &[&'t str]) -> (Vec<&'t str>, Vec<&'t str>) {
    let head = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[head..], &other[head..]);
    let tail = one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
    (one[..one.len() - tail].to_vec(), other[..other.len() - tail].to_vec())
}

#[test]
fn leaving_an_event_out_costs_nothing_beyond_its_own_group() {
    for file in ALL {
        let whole = run(&start(), &dump(file, 4), &[]);
        // Behind its last one, a server sends an artificial ROTATE to the next file.
        for index in 1..cut(file).len() - 1 {
            let (events, place) = damaged(file, index);
            let run = run(&start(), &events, std::slice::from_ref(&place));
            assert!(run.failure.is_none(), "{:?} without {place}", run.failure);
            let [left_out] = &run.left_out[..] else { panic!("{:?}", run.left_out) };
            assert_eq!(left_out.place, place);
            assert!(run.skipped.quarantined >= 1);
            let (lost, instead) = difference(&whole.recorder.texts(), &run.recorder.texts());
            assert!(instead.iter().all(|text| lost.contains(text)), "{instead:?} for {lost:?}");
            assert!(lost.iter().filter(|text| **text == "BEGIN").count() <= 1, "{lost:?}");
            let open = |texts: &[&str]| {
                let count = |word| texts.iter().filter(|text| **text == word).count();
                count("BEGIN") - count("COMMIT") - count("ROLLBACK")
            };
            assert_eq!(open(&run.recorder.texts()), 0, "each BEGIN has its end without {place}");
            let last = |run: &Run| parsed(run.recorder.idle.last().unwrap());
            let (at, at_whole) = (last(&run), last(&whole));
            assert_eq!((at.file, at.offset), (at_whole.file, at_whole.offset));
            match kind(&events[index + 1]) {
                // A set without one of those that came would bring it again.
                33 | 162 => assert!(at.gtids.is_none(), "{:?} without {place}", at.gtids),
                // Without what tells them, there is nothing to compare.
                35 | 163 => {}
                _ => assert_eq!(at.gtids, at_whole.gtids, "without {place}"),
            }
        }
    }
}

#[test]
fn a_restart_behind_an_event_that_was_left_out_counts_the_same() {
    for file in [MYSQL, MYSQL_COMPRESSED, MARIADB, MARIADB_COMPRESSED] {
        let is_part = |event: &[u8]| matches!(kind(event), 19 | 23 | 30 | 31 | 40 | 166);
        let indexes: Vec<_> =
            (1..cut(file).len()).filter(|index| is_part(&cut(file)[*index].1)).take(8).collect();
        for index in indexes {
            let (events, place) = damaged(file, index);
            let places = std::slice::from_ref(&place);
            let first = run(&start(), &events, places);
            for (at, (_, position)) in first.recorder.changes.iter().enumerate() {
                let offset = parsed(position).offset;
                let behind = cut(file).iter().position(|(start, _)| *start >= offset);
                let behind = behind.unwrap_or(cut(file).len());
                let rest = [&dump(file, offset)[..2], &events[behind + 1..]].concat();
                let again = run(position, &rest, places);
                assert!(again.failure.is_none(), "{:?}", again.failure);
                assert_eq!(again.recorder.changes, first.recorder.changes[at + 1..], "{position}");
            }
        }
    }
}

#[test]
fn the_opening_of_a_dump_that_starts_at_an_event_left_out_is_not_taken_for_it() {
    for file in ALL {
        let first = |(_, event): &&(u64, Vec<u8>)| matches!(kind(event), 33 | 162);
        let (at, group) = cut(file).iter().find(first).unwrap().clone();
        let place = format!("{FILE}:{at}");
        let mut events = dump(file, at);
        let alive = super::heartbeat(FILE, u32::try_from(at).unwrap());
        events.splice(2..2, [alive]);
        let run = run(&format!("file={FILE} offset={at}"), &events, &[place]);
        assert!(run.failure.is_none(), "{:?}", run.failure);
        let [left_out] = &run.left_out[..] else { panic!("{:?}", run.left_out) };
        assert_eq!(left_out.bytes, group);
    }
}

#[test]
fn an_incident_can_be_left_out_once_it_was_seen() {
    let mut events = dump(MYSQL, 4);
    let offset = cut(MYSQL)[2].0;
    let incident = super::made(26, 1, u32::try_from(offset).unwrap() + 30, 0, b"\x01\x00\x04lost");
    events.insert(3, incident);
    let (failure, bad) = run(&start(), &events, &[]).failure.unwrap();
    assert!(matches!(failure, Failure::Incident(_)));
    assert_eq!(bad.kind, "INCIDENT_EVENT");
    let run = run(&start(), &events, &[bad.place]);
    assert!(run.failure.is_none(), "{:?}", run.failure);
    assert_eq!(run.skipped.quarantined, 1);
}
