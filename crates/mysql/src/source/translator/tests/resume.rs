//! Reading on from any resume point gives exactly what was not yet delivered.

use super::{
    Catalog, FILE, History, MARIADB, MARIADB_COMPRESSED, MYSQL, MYSQL_COMPRESSED, Recorder, cut,
    dump, fake_rotate, kind, run, run_with,
};
use crate::binlog::{
    Checksum, Event, FormatDescription, Gtid, GtidSet, MariaDbGtid, RawEvent, Tag, Uuid,
};
use crate::source::gtids::Gtids;
use crate::source::position::{BinlogPosition, Within};

fn whole(file: &[u8]) -> Recorder {
    run(&format!("file={FILE} offset=4"), &dump(file, 4))
}

fn resumed_by_file(file: &[u8], position: &str) -> Recorder {
    run(position, &dump(file, parsed(position).offset))
}

pub(super) fn parsed(position: &str) -> BinlogPosition {
    BinlogPosition::parse(position).unwrap()
}

fn check_remaining(whole: &Recorder, resume: impl Fn(&str) -> Recorder) {
    assert!(whole.changes.len() > 20);
    for (index, (_, position)) in whole.changes.iter().enumerate() {
        let again = resume(position);
        assert_eq!(again.changes, whole.changes[index + 1..], "resumed at {position}");
        // Told while the delivered part is skipped: it must never lead back into it.
        for told in again.idle.iter().chain(&again.progress) {
            let place = |text: &str| {
                let position = parsed(text);
                let number = super::super::file_number(&position.file);
                (number, position.offset, position.within.rows_event, position.within.row)
            };
            assert!(place(told) >= place(position), "{told} lies before {position}");
        }
    }
}

#[test]
fn e01_each_row_comes_once_after_a_restart_at_any_of_them() {
    for file in [MYSQL, MARIADB] {
        check_remaining(&whole(file), |position| resumed_by_file(file, position));
    }
}

#[test]
fn a06_each_row_of_a_compressed_transaction_comes_once_after_a_restart_within() {
    let events = cut(MYSQL_COMPRESSED);
    assert!(events.iter().any(|(_, event)| kind(event) == 40), "no payload in the file");
    check_remaining(&whole(MYSQL_COMPRESSED), |p| resumed_by_file(MYSQL_COMPRESSED, p));
}

#[test]
fn a08_each_row_of_compressed_events_comes_once_after_a_restart_within() {
    let events = cut(MARIADB_COMPRESSED);
    assert!(events.iter().any(|(_, event)| kind(event) == 166), "no compressed rows in the file");
    check_remaining(&whole(MARIADB_COMPRESSED), |p| resumed_by_file(MARIADB_COMPRESSED, p));
}

/// Whether a server sends the group that begins with this event to who has executed `gtids`.
fn is_missing(event: &[u8], gtids: &Gtids) -> bool {
    let mut bare = event[..event.len() - 4].to_vec();
    let size = u32::try_from(bare.len()).unwrap();
    bare[9..13].copy_from_slice(&size.to_le_bytes());
    let raw = RawEvent::parse(&bare, Checksum::None).unwrap();
    match (Event::decode(&raw, &FormatDescription::assumed()).unwrap(), gtids) {
        (Event::Gtid(event), Gtids::MySql(set)) => !set.contains(&event.gtid.unwrap()),
        (Event::MariaDbGtid(event), Gtids::MariaDb(list)) => {
            let last = list.get(event.gtid.domain);
            last.is_none_or(|last| last.sequence < event.gtid.sequence)
        }
        other => panic!("{other:?}"),
    }
}

/// What a server sends to who has executed `gtids`: the file from its beginning, without the groups
/// in the set.
pub(super) fn dump_by_gtid(file: &[u8], gtids: &Gtids) -> Vec<Vec<u8>> {
    let mut events = vec![fake_rotate(FILE, 4)];
    let mut sent = true;
    for (_, event) in cut(file) {
        if matches!(kind(&event), 33 | 42 | 162) {
            sent = is_missing(&event, gtids);
        }
        if sent || kind(&event) == 4 {
            events.push(event);
        }
    }
    events
}

#[test]
fn e02_gtids_lead_to_the_same_row_as_file_and_offset() {
    for file in [MYSQL, MYSQL_COMPRESSED, MARIADB, MARIADB_COMPRESSED] {
        check_remaining(&whole(file), |position| {
            let gtids = parsed(position).gtids;
            assert!(!gtids.is_none(), "the start of the file tells what came before");
            run(position, &dump_by_gtid(file, &gtids))
        });
    }
}

/// The same position as the plan of a start on another server leaves it.
pub(super) fn moved(position: &str) -> String {
    let mut position = parsed(position);
    crate::source::start::leave_server(&mut position);
    change::Resume::to_position(&position).to_string()
}

#[test]
fn e05_another_server_goes_on_within_a_transaction_by_the_number_of_rows() {
    for file in [MYSQL, MARIADB] {
        let whole = whole(file);
        for (index, (_, position)) in whole.changes.iter().enumerate() {
            let events = dump_by_gtid(file, &parsed(position).gtids);
            let again = run(&moved(position), &events);
            assert_eq!(again.texts(), whole.texts()[index + 1..], "moved from {position}");
            // Cut off again before the first new row, the count of rows must still hold.
            for told in &again.idle {
                if parsed(told).group == parsed(position).group {
                    assert!(parsed(told).within.rows >= parsed(position).within.rows);
                }
            }
        }
    }
}

#[test]
fn e05_another_transaction_than_the_one_delivered_in_part_is_an_error() {
    let whole = whole(MYSQL);
    let (_, position) = whole.changes.iter().find(|(text, _)| text.starts_with("INSERT")).unwrap();
    let mut executed = parsed(position);
    let Gtids::MySql(set) = &mut executed.gtids else { panic!("no GTIDs") };
    set.add_all(&executed.group.parse().unwrap());
    let events = dump_by_gtid(MYSQL, &executed.gtids);
    let (recorder, failure) =
        run_with(position, &events, &mut Catalog::default(), &History::default(), &[]);
    assert!(recorder.changes.is_empty());
    let (failure, _) = failure.expect("rows of another transaction must not be counted");
    assert!(failure.to_string().contains(&executed.group), "{failure}");
}

#[test]
fn gtids_grow_only_at_the_end_of_their_group() {
    for file in [MYSQL, MARIADB, MYSQL_COMPRESSED, MARIADB_COMPRESSED] {
        let mut open = false;
        for (text, position) in &whole(file).changes {
            let position = parsed(position);
            open = match text.as_str() {
                "BEGIN" => true,
                "COMMIT" | "ROLLBACK" => false,
                _ => open,
            };
            if !open {
                continue;
            }
            assert!(!position.group.is_empty());
            let included = match &position.gtids {
                Gtids::MySql(set) => set.contains_all(&position.group.parse().unwrap()),
                Gtids::MariaDb(list) => {
                    let group = MariaDbGtid::parse(&position.group).unwrap();
                    list.get(group.domain).is_some_and(|last| last.sequence >= group.sequence)
                }
                Gtids::None => panic!("no GTIDs"),
            };
            assert!(!included, "{text} is counted as executed within its group");
        }
    }
}

#[test]
fn a_restart_of_a_restart_loses_and_repeats_nothing() {
    let whole = whole(MYSQL);
    let mut position = format!("file={FILE} offset=4");
    let mut got = Vec::new();
    while got.len() < whole.changes.len() {
        got.extend(resumed_by_file(MYSQL, &position).changes.into_iter().take(7));
        position.clone_from(&got.last().unwrap().1);
    }
    assert_eq!(got, whole.changes);
}

#[test]
fn e02_a_tagged_gtid_survives_the_text_of_a_position() {
    let uuid = Uuid::parse("3e11fa47-71ca-11e1-9e33-c80aa9429562").unwrap();
    let tagged = Gtid { uuid, tag: Tag::parse(b"blue").unwrap(), number: 7 };
    let mut set = GtidSet::new();
    set.add(tagged);
    let position = BinlogPosition {
        gtids: Gtids::MySql(set),
        group: tagged.to_string(),
        within: Within { row: 1, rows: 1, rows_event: 2, begun: true },
        ..BinlogPosition::default()
    };
    let text = change::Resume::to_position(&position).to_string();
    assert_eq!(BinlogPosition::parse(&text), Ok(position));
}

#[test]
fn e02_from_all_that_there_ever_was_the_gtids_of_mariadb_are_followed() {
    let from_all = run("gtid=", &dump(MARIADB, 4));
    let (last, (_, position)) = (whole(MARIADB), from_all.changes.last().unwrap());
    assert_eq!(from_all.texts(), last.texts());
    assert_eq!(parsed(position).gtids, parsed(&last.changes.last().unwrap().1).gtids);
}
