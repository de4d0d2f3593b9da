//! Files, their ends and beginnings, and what may lie between.

use std::time::Duration;

use capture::Selection;
use change::{Resume, UnixTime};

use super::{
    Catalog, FILE, History, MARIADB, MYSQL, Recorder, cut, dump, fake_rotate, format_within,
    heartbeat, kind, made, run, run_with, tables,
};
use crate::binlog::Checksum;
use crate::source::error::Failure;
use crate::source::position::BinlogPosition;
use crate::source::translator::Translator;

fn start() -> String {
    format!("file={FILE} offset=4")
}

fn parsed(position: &str) -> BinlogPosition {
    BinlogPosition::parse(position).unwrap()
}

fn first_rows(events: &[Vec<u8>]) -> usize {
    events.iter().position(|event| matches!(kind(event), 30 | 23)).unwrap()
}

/// The events up to and including the first rows event, which is of a tracked table.
fn up_to_rows(file: &[u8]) -> Vec<Vec<u8>> {
    let mut events = dump(file, 4);
    events.truncate(first_rows(&events) + 1);
    events
}

fn failure(events: &[Vec<u8>]) -> (Failure, String) {
    let (mut catalog, history) = (Catalog::default(), History::default());
    run_with(&start(), events, &mut catalog, &history, &[]).1.expect("it must fail")
}

#[test]
fn a12_a_fake_rotate_and_a_format_without_an_end_disturb_no_transaction() {
    for file in [MYSQL, MARIADB] {
        let mut events = dump(file, 4);
        let rows = first_rows(&events);
        events.insert(rows, format_within(file));
        events.insert(rows, fake_rotate(FILE, 4));
        assert_eq!(run(&start(), &events).changes, run(&start(), &dump(file, 4)).changes);
    }
}

#[test]
fn a13_a_rotate_leads_to_the_next_file() {
    let recorder = run(&start(), &dump(MYSQL, 4));
    let last = parsed(recorder.idle.last().unwrap());
    assert_eq!((last.file.as_str(), last.offset), ("bin.000007", 4));
}

#[test]
fn a20_a_group_cut_off_by_a_crash_is_rolled_back_when_the_next_file_begins() {
    for file in [MYSQL, MARIADB] {
        let mut events = up_to_rows(file);
        events.push(fake_rotate("bin.000007", 4));
        events.push(cut(file)[0].1.clone());
        let recorder = run(&start(), &events);
        let (last, position) = recorder.changes.last().unwrap();
        assert_eq!(last, "ROLLBACK");
        assert_eq!(parsed(position).file, FILE, "the group ended in its own file");
        let told = parsed(recorder.idle.last().unwrap());
        assert_eq!(told.file, "bin.000007");
        assert!(told.group.is_empty() && told.within.rows == 0);
        for told in recorder.idle.iter().map(|told| parsed(told)) {
            assert!(told.file == FILE || told.offset <= 256, "{told:?} mixes two files");
        }
    }
}

#[test]
fn a_group_without_a_known_end_ends_where_the_next_one_begins() {
    let mut events = up_to_rows(MYSQL);
    let all = dump(MYSQL, 4);
    let begun = events.len();
    let next = all.iter().skip(begun).position(|event| kind(event) == 33).unwrap() + begun;
    events.extend(all[next..].iter().cloned());
    let recorder = run(&start(), &events);
    let end = recorder.changes.iter().find(|(text, _)| text == "COMMIT").unwrap();
    let gtid_at = cut(MYSQL)[next - 1].0;
    assert_eq!(parsed(&end.1).offset, gtid_at, "the next group is read from its GTID on");
    let full = run(&start(), &dump(MYSQL, 4));
    let last = |recorder: &Recorder| parsed(&recorder.changes.last().unwrap().1).gtids;
    assert_eq!(last(&recorder), last(&full), "the set has no hole");
}

#[test]
fn a_start_within_a_transaction_reads_its_rest() {
    let map = cut(MYSQL).iter().find(|(_, event)| kind(event) == 19).unwrap().0;
    let position = format!("file={FILE} offset={map}");
    let recorder = run(&position, &dump(MYSQL, map));
    assert_eq!(recorder.texts()[..2], ["BEGIN", r#"INSERT items id,name=["1", "a"]"#]);
    for (index, (_, position)) in recorder.changes.iter().enumerate().take(8) {
        let again = run(position, &dump(MYSQL, parsed(position).offset));
        assert_eq!(again.texts(), recorder.texts()[index + 1..]);
    }
}

#[test]
fn rows_of_a_table_that_was_not_mapped_are_an_error() {
    let mut events = up_to_rows(MYSQL);
    events.remove(first_rows(&events) - 1);
    let (failure, _) = failure(&events);
    assert!(matches!(failure, Failure::NoTableMap(_)), "{failure:?}");
}

#[test]
fn a21_an_incident_ends_the_reading() {
    let mut events = dump(MYSQL, 4);
    events.truncate(3);
    events.push(made(26, 1, 500, 0, b"\x01\x00\x04lost"));
    let (failure, _) = failure(&events);
    assert!(matches!(failure, Failure::Incident(text) if text == "lost"));
}

#[test]
fn a03_an_error_names_the_file_and_the_start_of_the_event() {
    let mut events = dump(MYSQL, 4);
    let index = 8;
    let offset = cut(MYSQL)[index - 1].0;
    let middle = events[index].len() / 2;
    events[index][middle] ^= 1;
    let (failure, at) = failure(&events);
    assert_eq!(at, format!("{FILE}:{offset}"));
    assert!(failure.to_string().contains("checksum"), "{failure}");
}

#[test]
fn a17_only_a_sign_of_life_from_the_end_of_the_log_says_that_all_was_read() {
    let (mut catalog, history) = (Catalog::default(), History::default());
    let tables = tables(Selection::default(), &mut catalog, &history, &parsed(&start()));
    let mut translator = Translator::new(parsed(&start()), tables, Checksum::Crc32);
    translator.set_log_end(FILE, 5000);
    let mut sink = Recorder::default();
    let now = UnixTime::from_seconds(4_000_000_000);
    translator.event(&fake_rotate(FILE, 4), &mut sink).unwrap();
    translator.event(&heartbeat(FILE, 4999), &mut sink).unwrap();
    assert!(!translator.is_caught_up(), "the server is still searching");
    translator.event(&heartbeat(FILE, 5000), &mut sink).unwrap();
    assert!(translator.is_caught_up());
    assert_eq!(translator.rest(now, &mut sink).unwrap(), Duration::from_secs(1));
    assert_eq!(sink.progress.len(), 1, "a heartbeat can be written");
    assert_eq!(translator.place.time, now, "everything up to now was read");
    translator.event(&cut(MYSQL)[2].1, &mut sink).unwrap();
    assert!(!translator.is_caught_up());
}

#[test]
fn e13_the_age_of_a_file_is_not_the_time_of_what_was_read() {
    let (mut catalog, history) = (Catalog::default(), History::default());
    let tables = tables(Selection::default(), &mut catalog, &history, &parsed(&start()));
    let mut translator = Translator::new(parsed(&start()), tables, Checksum::Crc32);
    let now = UnixTime::from_seconds(4_000_000_000);
    translator.set_time(now);
    for event in dump(MYSQL, 4).iter().take(3) {
        translator.event(event, &mut Recorder::default()).unwrap();
    }
    assert_eq!(translator.place.time, now);
}

#[test]
fn e13_an_event_without_a_time_has_that_of_the_one_before_it() {
    let mut events = dump(MYSQL, 4);
    let rows = first_rows(&events);
    let before = run(&start(), &events);
    let event = &mut events[rows];
    event[..4].fill(0);
    event.truncate(event.len() - 4);
    let event = super::signed(std::mem::take(event));
    events[rows] = event;
    let recorder = run(&start(), &events);
    assert_eq!(recorder.changes, before.changes);
    assert_eq!(recorder.times, before.times);
}

#[test]
fn names_of_any_bytes_make_printable_positions() {
    let mut position = parsed("bin.000001:4");
    position.file = "mein büro %.000001".into();
    let text = position.to_position().to_string();
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '), "{text}");
    assert_eq!(parsed(&text), position);
}
