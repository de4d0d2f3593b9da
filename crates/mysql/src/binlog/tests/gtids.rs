//! Sets and lists of global transaction identifiers.

use proptest::prelude::*;

use super::{MARIADB_COMPRESSED, MYSQL_COMPRESSED, MYSQL_FULL, cut, format_of, raw};
use crate::binlog::{Event, Gtid, GtidList, GtidSet, MariaDbGtid, Tag, Uuid};

const A: &str = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

fn gtid(number: u64) -> Gtid {
    Gtid { uuid: Uuid::parse(A).unwrap(), tag: Tag::EMPTY, number }
}

#[test]
fn sets_read_as_the_server_writes_them() {
    for (text, wanted) in [
        ("", String::new()),
        (" 3E11FA47-71CA-11E1-9E33-C80AA9429562 : 1 - 3 : 5 ", format!("{A}:1-3:5")),
        (&format!("{A}:5:1-3,\n{A}:4"), format!("{A}:1-5")),
        (&format!("{A}:1-3:5:blue:7-9:4:_x:1"), format!("{A}:1-3:5:_x:1:blue:4:7-9")),
    ] {
        assert_eq!(GtidSet::parse(text).unwrap().to_string(), wanted);
    }
    for text in
        ["x", &format!("{A}:0"), &format!("{A}:3-1"), &format!("{A}:-1"), &format!("{A}:b!:1")]
    {
        assert!(GtidSet::parse(text).is_err(), "{text:?} must be refused");
    }
}

#[test]
fn adding_joins_what_touches() {
    let mut set = GtidSet::new();
    for number in [1, 2, 3, 5, 9, 4, 8, 0, u64::MAX] {
        set.add(gtid(number));
    }
    assert_eq!(set.to_string(), format!("{A}:1-5:8-9"));
    assert!(set.contains(&gtid(5)) && !set.contains(&gtid(6)) && !set.contains(&gtid(0)));
    assert!(set.contains_all(&GtidSet::parse(&format!("{A}:2-4:9")).unwrap()));
    assert!(!set.contains_all(&GtidSet::parse(&format!("{A}:5-8")).unwrap()));
}

/// The bytes of the first PREVIOUS_GTIDS event of a file.
fn previous(file: &[u8]) -> Vec<u8> {
    let format = format_of(file);
    let events = cut(file);
    let body = events.iter().map(|event| raw(event, &format)).find_map(|raw| {
        matches!(Event::decode(&raw, &format), Ok(Event::PreviousGtids(_))).then_some(raw.body)
    });
    body.unwrap().to_vec()
}

#[test]
fn the_encoding_is_the_server_s_with_and_without_tags() {
    for file in [MYSQL_FULL, MYSQL_COMPRESSED] {
        let bytes = previous(file);
        let set = GtidSet::decode(&bytes).unwrap();
        let mut encoded = Vec::new();
        set.encode(&mut encoded);
        assert_eq!(encoded, bytes);
        for cut in 0..bytes.len() {
            assert!(GtidSet::decode(&bytes[..cut]).is_err());
        }
    }
    assert!(GtidSet::decode(&previous(MYSQL_FULL)).unwrap().is_empty());
    let tagged = GtidSet::decode(&previous(MYSQL_COMPRESSED)).unwrap();
    assert!(tagged.has_tags() && tagged.to_string().ends_with(":blue_1:1-2"), "{tagged}");
}

#[test]
fn e07_lists_keep_the_last_transaction_of_each_domain() {
    let mut list = GtidList::parse(" 1-2-5, 0-1-100 ").unwrap();
    assert_eq!(list.to_string(), "0-1-100,1-2-5");
    list.set(MariaDbGtid { domain: 0, server_id: 7, sequence: 99 });
    list.set(MariaDbGtid { domain: 2, server_id: 1, sequence: 1 });
    assert_eq!(list.to_string(), "0-7-99,1-2-5,2-1-1");
    for text in ["1", "1-2", "1-2-3-4", "a-1-2", "0-1-1,0-1-2", "1-+2-3", "4294967296-1-1"] {
        assert!(GtidList::parse(text).is_err(), "{text:?} must be refused");
    }
}

#[test]
fn a_gtid_list_event_tells_what_came_before() {
    let format = format_of(MARIADB_COMPRESSED);
    let events = cut(MARIADB_COMPRESSED);
    let Ok(Event::GtidList(list)) = Event::decode(&raw(events[1], &format), &format) else {
        panic!("no list");
    };
    let gtids: Vec<_> = list.gtids().collect();
    assert_eq!(gtids.len(), 1);
    assert_eq!((gtids[0].domain, gtids[0].server_id), (0, 1));
    assert!(gtids[0].sequence > 5);
}

proptest! {
    #[test]
    fn a_set_holds_what_was_added_and_survives_both_forms(
        entries in prop::collection::vec((0_u8..3, prop::sample::select(vec!["", "a", "b_1"]), 1_u64..60), 0..120)
    ) {
        let mut set = GtidSet::new();
        let mut all = std::collections::BTreeSet::new();
        for (server, tag, number) in entries {
            let uuid = Uuid::from_bytes([server; 16]);
            let gtid = Gtid { uuid, tag: Tag::parse(tag.as_bytes()).unwrap(), number };
            set.add(gtid);
            all.insert(gtid);
        }
        for server in 0..3 {
            for number in 1..61 {
                let gtid = Gtid { uuid: Uuid::from_bytes([server; 16]), tag: Tag::EMPTY, number };
                prop_assert_eq!(set.contains(&gtid), all.contains(&gtid));
            }
        }
        prop_assert_eq!(&GtidSet::parse(&set.to_string()).unwrap(), &set);
        let mut bytes = Vec::new();
        set.encode(&mut bytes);
        prop_assert_eq!(&GtidSet::decode(&bytes).unwrap(), &set);
    }
}
