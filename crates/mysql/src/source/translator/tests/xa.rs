//! XA transactions: prepared, interleaved, committed, rolled back, and read again.

use capture::{QuarantinedTable, Selection, TableDecision};
use change::Resume;

use super::definitions::{Shelf, setting};
use super::resume::{dump_by_gtid, moved, parsed};
use super::{Catalog, FILE, History, MARIADB, MYSQL, Recorder, cut, dump, kind, signed, tables};
use crate::binlog::{Checksum, EventHeader};
use crate::source::error::Failure;
use crate::source::gtids::Gtids;
use crate::source::tables::{Setting, Tables};
use crate::source::translator::{EachEvent, PreparedLog, Skipped, Translator};
use crate::source::xa::Prepared;

const MYSQL_XA: &[u8] = include_bytes!("../../testdata/mysql-9.7-xa.binlog");
const MARIADB_XA: &[u8] = include_bytes!("../../testdata/mariadb-10.11-xa.binlog");

const BOTH: [&str; 21] = [
    "DDL CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(300))",
    "DDL CREATE TABLE hidden (id INT PRIMARY KEY)",
    "BEGIN",
    r#"INSERT items id,name=["10", "between"]"#,
    "COMMIT",
    "BEGIN",
    r#"INSERT items id,name=["11", "between"]"#,
    r#"UPDATE items id,name=["10", "more"]"#,
    "COMMIT",
    "BEGIN",
    r#"INSERT items id,name=["1", "a"]"#,
    r#"INSERT items id,name=["2", "b"]"#,
    "COMMIT",
    "BEGIN",
    r#"DELETE items id,name=["1", "a"]"#,
    r#"INSERT items id,name=["4", "one phas"]"#,
    "COMMIT",
    "BEGIN",
    r#"INSERT items id,name=["5", "again"]"#,
    "COMMIT",
    "BEGIN",
];
const MYSQL_ONLY: [&str; 8] = [
    r#"INSERT items id,name=["6", "compress"]"#,
    r#"INSERT items id,name=["7", "widewide"]"#,
    r#"INSERT items id,name=["8", "h"]"#,
    "COMMIT",
    "BEGIN",
    r#"INSERT items id,name=["9", "compress"]"#,
    "COMMIT",
    "BEGIN",
];
const LAST: [&str; 2] = [r#"INSERT items id,name=["12", "last"]"#, "COMMIT"];

fn wanted(file: &[u8]) -> Vec<&'static str> {
    let own: &[&str] = if file == MYSQL_XA { &MYSQL_ONLY } else { &[] };
    [&BOTH[..], own, &LAST].concat()
}

/// The log as a server sends it a second time.
#[derive(Debug, Default)]
pub(super) struct Again {
    /// One of those in [`GROUPS`] otherwise, by the form of its GTIDs.
    file: Option<&'static [u8]>,
    reads: u32,
    is_purged: bool,
}

const GROUPS: [&[u8]; 2] = [MYSQL, MARIADB];

impl PreparedLog for Again {
    fn read(
        &mut self,
        group: &Prepared,
        executed: &Gtids,
        each: &mut EachEvent<'_>,
    ) -> Result<(), Failure> {
        self.reads += 1;
        if self.is_purged {
            return Err(Failure::prepared_lost(group, "purged"));
        }
        let file = self.file.unwrap_or(GROUPS[usize::from(!group.gtid.contains(':'))]);
        let events = if group.file.is_empty() {
            dump_by_gtid(file, &group.gtids_before(executed).unwrap())
        } else {
            assert_eq!(group.file, FILE);
            dump(file, group.offset)
        };
        for event in &events {
            if each(event)?.is_break() {
                return Ok(());
            }
        }
        Err(Failure::prepared_lost(group, "the log ends before it"))
    }
}

struct Run {
    recorder: Recorder,
    reads: u32,
    skipped: Skipped,
    warnings: Vec<String>,
    failure: Option<Failure>,
}

/// Runs events from a position. `keeps` tells whether small groups stay in memory.
fn run(file: &'static [u8], start: &str, events: &[Vec<u8>], keeps: bool, is_purged: bool) -> Run {
    let (mut catalog, history) = (Catalog::default(), History::default());
    let selection = Selection::new(&["shop.*"], &["shop.hidden"]).unwrap();
    let tables = tables(selection, &mut catalog, &history, &parsed(start));
    let mut log = Again { file: Some(file), reads: 0, is_purged };
    let mut translator = Translator::new(parsed(start), tables, Checksum::Crc32);
    translator.set_prepared_log(&mut log);
    let mut recorder = Recorder::default();
    let mut failure = None;
    for event in events {
        if !keeps {
            translator.kept.clear();
            translator.group.held_back.iter_mut().for_each(|held| held.cut());
        }
        if let Err(error) = translator.event(event, &mut recorder) {
            failure = Some(error);
            break;
        }
        translator.rest(change::UnixTime::from_seconds(0), &mut recorder).unwrap();
    }
    let (skipped, warnings) = (translator.skipped(), translator.new_warnings().unwrap_or_default());
    drop(translator);
    Run { recorder, reads: log.reads, skipped, warnings, failure }
}

#[test]
fn a25_an_event_that_was_left_out_stays_out_when_its_group_is_read_again() {
    for file in [MYSQL_XA, MARIADB_XA] {
        let (begin, _) = first_prepared(file);
        for (start, event) in cut(file).iter().filter(|(start, _)| *start > begin) {
            if !matches!(kind(event), 19 | 23 | 30) {
                continue;
            }
            let mut bytes = file.to_vec();
            bytes[usize::try_from(*start).unwrap() + 25] ^= 1;
            let damaged: &'static [u8] = bytes.leak();
            let place = format!("{FILE}:{start}");
            let run = |keeps: bool| {
                let (mut catalog, history) = (Catalog::default(), History::default());
                let selection = Selection::new(&["shop.*"], &["shop.hidden"]).unwrap();
                let at = parsed(&format!("file={FILE} offset=4"));
                let shelf = Shelf::default();
                let setting = Setting { selection, ..setting(&history, &shelf) };
                let tables = Tables::new(setting, &mut catalog, &at).unwrap();
                let mut log = Again { file: Some(damaged), ..Again::default() };
                let mut translator = Translator::new(at, tables, Checksum::Crc32);
                translator.set_prepared_log(&mut log);
                translator.set_skips(vec![place.clone()]);
                let mut recorder = Recorder::default();
                for event in dump(damaged, 4) {
                    if !keeps {
                        translator.kept.clear();
                        translator.group.held_back.iter_mut().for_each(|held| held.cut());
                    }
                    match translator.leaves_out(&event) {
                        None => translator.event(&event, &mut recorder).unwrap(),
                        Some(_) => translator.leave_out(&event, &mut recorder).unwrap(),
                    }
                }
                recorder.changes
            };
            assert_eq!(run(false), run(true), "without {place}");
            let rows = |changes: &[(String, String)]| {
                changes.iter().filter(|(text, _)| text.contains("items id")).count()
            };
            let all = whole(file, true).recorder.changes;
            assert!(rows(&run(true)) <= rows(&all));
        }
    }
}

fn whole(file: &'static [u8], keeps: bool) -> Run {
    let run = run(file, &format!("file={FILE} offset=4"), &dump(file, 4), keeps, false);
    assert!(run.failure.is_none(), "{:?}", run.failure);
    run
}

#[test]
fn a25_rows_come_with_the_commit_of_their_transaction_and_never_without_one() {
    for file in [MYSQL_XA, MARIADB_XA] {
        let kept = whole(file, true);
        assert_eq!(kept.recorder.texts(), wanted(file));
        assert_eq!(kept.skipped.xa_unprepared, 0);
        assert!(kept.warnings.is_empty(), "{:?}", kept.warnings);
        let last = parsed(kept.recorder.idle.last().unwrap());
        assert_eq!(last.prepared, Default::default(), "nothing stays prepared");
        // Compressed transactions are not kept in memory.
        assert_eq!(kept.reads, if file == MYSQL_XA { 2 } else { 0 });
        let read_again = whole(file, false);
        assert_eq!(read_again.recorder.changes, kept.recorder.changes);
        assert_eq!(read_again.reads, if file == MYSQL_XA { 5 } else { 2 });
    }
}

#[test]
fn a25_each_row_comes_once_after_a_restart_at_any_of_them() {
    for file in [MYSQL_XA, MARIADB_XA] {
        let whole = whole(file, true).recorder;
        for (index, (_, position)) in whole.changes.iter().enumerate() {
            let by_file = dump(file, parsed(position).offset);
            let by_gtid = dump_by_gtid(file, &parsed(position).gtids);
            for events in [&by_file, &by_gtid] {
                let again = run(file, position, events, true, false);
                assert!(again.failure.is_none(), "{:?} at {position}", again.failure);
                assert_eq!(again.recorder.changes, whole.changes[index + 1..], "at {position}");
                assert_eq!(again.skipped.xa_unprepared, 0);
            }
            let moved = run(file, &moved(position), &by_gtid, true, false);
            assert!(moved.failure.is_none(), "{:?} moved from {position}", moved.failure);
            assert_eq!(moved.recorder.texts(), whole.texts()[index + 1..], "moved from {position}");
        }
    }
}

/// Where the group starts that ends with the first XA PREPARE, and where it ends.
fn first_prepared(file: &[u8]) -> (u64, u64) {
    let events = cut(file);
    let prepare = events.iter().position(|(_, event)| kind(event) == 38).unwrap();
    let begin = events[..prepare].iter().rposition(|(_, e)| matches!(kind(e), 33 | 162)).unwrap();
    (events[begin].0, events[prepare + 1].0)
}

#[test]
fn a25_rows_of_a_table_that_was_held_when_they_were_prepared_come_with_their_commit() {
    for file in [MYSQL_XA, MARIADB_XA] {
        let (history, shelf) = (History::default(), Shelf::default());
        shelf.0.lock().unwrap().push(QuarantinedTable {
            database: "shop".into(),
            table: "items".into(),
            from: change::Position::parse(format!("{FILE}:4").as_bytes()).unwrap(),
            code: "schema_unknown".into(),
            message: String::new(),
            decision: TableDecision::Pending,
        });
        let at = parsed(&format!("file={FILE} offset=4"));
        let mut catalog = Catalog::default();
        let selection = Selection::new(&["shop.*"], &["shop.hidden"]).unwrap();
        let setting = Setting { selection, ..setting(&history, &shelf) };
        let tables = Tables::new(setting, &mut catalog, &at).unwrap();
        let mut translator = Translator::new(at, tables, Checksum::Crc32);
        let mut recorder = Recorder::default();
        let (begin, end) = first_prepared(file);
        for event in dump(file, 4).iter().take_while(|event| behind(event) <= end) {
            translator.event(event, &mut recorder).unwrap();
        }
        let position = translator.place.position.to_position().to_string();
        assert!(begin < parsed(&position).offset && position.contains("xa="), "{position}");
        assert!(!recorder.texts().iter().any(|text| text.starts_with("INSERT")));
        // By now the table has caught up.
        let released = run(file, &position, &dump(file, end), true, false);
        assert!(released.failure.is_none(), "{:?}", released.failure);
        assert!(released.recorder.texts().contains(&r#"INSERT items id,name=["1", "a"]"#));
    }
}

/// The file with a text that ends behind its row in the first rows event behind `begin`, and the place
/// of that event. Nothing but the row tells.
fn with_a_broken_row(file: &[u8], begin: u64) -> (&'static [u8], String) {
    let is_rows =
        |(start, event): &&(u64, Vec<u8>)| *start > begin && matches!(kind(event), 23 | 30);
    let (start, event) = cut(file).iter().find(is_rows).unwrap().clone();
    let mut broken = event[..event.len() - 4].to_vec();
    let length = broken.len() - 3;
    broken[length] = 200;
    let mut bytes = file.to_vec();
    bytes[usize::try_from(start).unwrap()..][..event.len()].copy_from_slice(&signed(broken));
    (bytes.leak(), format!("{FILE}:{start}"))
}

#[test]
fn a25_a_row_that_is_broken_is_told_with_its_own_event_and_left_out_alone() {
    for whole in [MYSQL_XA, MARIADB_XA] {
        let (file, place) = with_a_broken_row(whole, first_prepared(whole).0);
        for keeps in [true, false] {
            let run = |start: &str, places: Vec<String>| {
                let (mut catalog, history) = (Catalog::default(), History::default());
                let shelf = Shelf::default();
                let selection = Selection::new(&["shop.*"], &["shop.hidden"]).unwrap();
                let setting = Setting { selection, ..setting(&history, &shelf) };
                let tables = Tables::new(setting, &mut catalog, &parsed(start)).unwrap();
                let mut log = Again { file: Some(file), ..Again::default() };
                let mut translator = Translator::new(parsed(start), tables, Checksum::Crc32);
                translator.set_prepared_log(&mut log);
                translator.set_skips(places);
                let mut recorder = Recorder::default();
                for event in dump(file, parsed(start).offset) {
                    if !keeps {
                        translator.kept.clear();
                    }
                    if translator.event(&event, &mut recorder).is_err() {
                        let position = translator.place.position.to_position().to_string();
                        return (recorder, Some((translator.bad_event(&event), position)));
                    }
                }
                (recorder, None)
            };
            let (_, failure) = run(&format!("file={FILE} offset=4"), vec![]);
            let (bad, position) = failure.expect("the row must be noticed");
            assert_eq!(bad.place, place);
            assert!(bad.kind.starts_with("WRITE_ROWS"), "{}", bad.kind);
            let (recorder, failure) = run(&position, vec![place.clone()]);
            assert_eq!(failure, None);
            assert!(!recorder.texts().contains(&r#"INSERT items id,name=["2", "b"]"#));
            assert_eq!(recorder.texts()[0], "COMMIT");
            let behind = wanted(whole).len() - recorder.texts().len();
            assert_eq!(recorder.texts(), wanted(whole)[behind..]);
        }
    }
}

/// Where an event ends, as it says.
fn behind(event: &[u8]) -> u64 {
    u64::from(EventHeader::parse(event).unwrap().log_pos)
}

#[test]
fn a25_a_commit_of_what_was_prepared_before_the_start_is_told() {
    for file in [MYSQL_XA, MARIADB_XA] {
        let (_, end) = first_prepared(file);
        let run = run(file, &format!("file={FILE} offset={end}"), &dump(file, end), true, false);
        assert!(run.failure.is_none());
        assert_eq!(run.skipped.xa_unprepared, 1);
        let [warning] = &run.warnings[..] else { panic!("{:?}", run.warnings) };
        let xid = format!("X'61',X'{}',7", "6272616e6368");
        assert!(warning.contains(&xid) && warning.contains(&format!("{FILE}:")), "{warning}");
        assert!(!run.recorder.texts().contains(&r#"INSERT items id,name=["1", "a"]"#));
    }
}

#[test]
fn a25_rows_that_cannot_be_read_again_are_an_error_and_never_left_out() {
    for file in [MYSQL_XA, MARIADB_XA] {
        let start = format!("file={FILE} offset=4");
        let run = run(file, &start, &dump(file, 4), false, true);
        let Some(Failure::PreparedLost { xid, place, reason }) = run.failure else {
            panic!("{:?}", run.failure);
        };
        assert!(xid.starts_with("X'61'"), "{xid}");
        assert_eq!(place, format!("{FILE}:{}", first_prepared(file).0));
        assert_eq!(reason, "purged");
        assert_eq!(run.recorder.texts().last(), Some(&"COMMIT"), "the others came before");
    }
}

#[test]
fn a25_another_transaction_at_the_place_of_the_prepared_one_is_an_error() {
    for file in [MYSQL_XA, MARIADB_XA] {
        let (begin, end) = first_prepared(file);
        let mut position = parsed(&format!("file={FILE} offset={end}"));
        let prepared =
            parsed(whole(file, true).recorder.idle.iter().find(|p| p.contains("xa=")).unwrap());
        let xid = crate::source::xa::Xid::new(7, b"a", b"branch");
        let mut wrong = prepared.prepared.find(&xid).unwrap().clone();
        assert_eq!(wrong.offset, begin);
        wrong.offset = end;
        position.prepared.insert(wrong);
        let start = position.to_position().to_string();
        let run = run(file, &start, &dump(file, end), true, false);
        assert!(matches!(run.failure, Some(Failure::PreparedLost { .. })), "{:?}", run.failure);
    }
}
