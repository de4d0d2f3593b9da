//! The same rows under every combination of the servers' options (`testdata/options`).

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::{Shown, cut, format_of, hex, raw, rows_with};
use crate::binlog::{DecodeError, Event, TableBinding, TableMap};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_bytes!(concat!("../testdata/options/", $name, ".binlog")))),*]
    };
}

/// With all combinations inside.
const COMBINED: &[(&str, &[u8])] = &files!(
    "mysql-9.7-gtid-on-crc32",
    "mysql-9.7-gtid-on-none",
    "mysql-9.7-gtid-off-crc32",
    "mysql-9.7-gtid-off-none",
    "mariadb-10.11-crc32",
    "mariadb-10.11-none",
    "mariadb-11.8-crc32",
    "mariadb-11.8-none",
);

/// With events that have no rows.
pub(super) const SPECIAL: &[(&str, &[u8])] = &files!(
    "mysql-9.7-statements",
    "mysql-9.7-incident",
    "mysql-9.7-stop",
    "mariadb-10.11-statements",
    "mariadb-10.11-incident",
    "mariadb-10.11-stop",
    "mariadb-11.8-statements",
    "mariadb-11.8-incident",
    "mariadb-11.8-stop",
);

const ENCRYPTED: &[(&str, &[u8])] = &files!("mariadb-10.11-encrypted", "mariadb-11.8-encrypted");

/// Every file of the folder whose events can be read.
pub(super) fn readable() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    COMBINED.iter().chain(SPECIAL).copied()
}

/// What `binlog_row_image` leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Logged {
    All,
    Changed,
    NoBlobs,
    AllButUnchangedAfter,
}

const IMAGES: [(&str, Logged); 4] = [
    ("FULL", Logged::All),
    ("MINIMAL", Logged::Changed),
    ("NOBLOB", Logged::NoBlobs),
    ("FULL_NODUP", Logged::AllButUnchangedAfter),
];

/// Columns of the table `m`, in order.
const ID: usize = 0;
const NAME: usize = 1;
const NOTES: usize = 2;
const DOCUMENT: usize = 3;
const NUMBER: usize = 8;

#[test]
fn every_combination_of_options_logs_the_same_rows() {
    for &(name, file) in COMBINED {
        let mut rows = rows_of(file).into_iter();
        let mut combinations = 0;
        for image in images_of(file) {
            for expected in changes(name.starts_with("mariadb")) {
                let row = rows.next().unwrap_or_else(|| panic!("{name}: a row is missing"));
                expected.check(&row, image, name);
            }
            combinations += 1;
        }
        assert!(combinations >= 12, "{name} has {combinations} combinations");
        let rest: Vec<_> = rows.map(|row| (row.before.is_some(), row.after.is_some())).collect();
        // An XA transaction and its undoing; then, with GTIDs, the same two rows under a tag.
        let (insert, delete) = ((false, true), (true, false));
        let tagged = name.contains("gtid-on");
        let wanted = [insert, delete, insert, insert, delete, delete];
        assert_eq!(rest, wanted[..if tagged { 6 } else { 2 }], "{name}");
    }
}

#[test]
fn a11_an_encrypted_file_is_recognised_and_not_guessed_at() {
    for &(name, file) in ENCRYPTED {
        let format = format_of(file);
        let mut rest = file.strip_prefix(b"\xfebin").unwrap();
        let mut read = 0;
        let failed = loop {
            let header = crate::binlog::EventHeader::parse(rest).unwrap();
            let size = usize::try_from(header.event_size).unwrap();
            let Some((event, behind)) = rest.split_at_checked(size) else { break true };
            match crate::binlog::RawEvent::parse(event, format.checksum) {
                Ok(raw) if read == 1 => {
                    assert!(matches!(
                        Event::decode(&raw, &format),
                        Ok(Event::StartEncryption(encryption)) if encryption.scheme == 1
                    ));
                }
                Ok(raw) => assert_eq!(read, 0, "{name}: {:?}", raw.header),
                Err(DecodeError::Checksum { .. } | DecodeError::Malformed { .. }) => break true,
                Err(error) => panic!("{name}: {error}"),
            }
            (rest, read) = (behind, read + 1);
        };
        assert!(failed && read == 2, "{name}: {read} events were readable");
    }
}

/// The images in the order in which the file was made, told by the tables named after them.
fn images_of(file: &[u8]) -> Vec<Logged> {
    let format = format_of(file);
    let mut buffer = Vec::new();
    let mut images = Vec::new();
    for event in cut(file) {
        let statement = match Event::decode(&raw(event, &format), &format) {
            Ok(Event::Query(query)) => query.statement.to_vec(),
            Ok(Event::CompressedQuery(query)) => {
                query.inflate(&mut buffer, 1 << 16).unwrap().statement.to_vec()
            }
            _ => continue,
        };
        let statement = String::from_utf8(statement).unwrap();
        if let Some(named) = statement.strip_prefix("CREATE TABLE `") {
            let image = named.split('-').next().unwrap();
            images.push(IMAGES.iter().find(|(name, _)| *name == image).unwrap().1);
        }
    }
    images
}

/// Rows of the table, bound by its own metadata where it has any and by the last known ones where not.
fn rows_of(file: &[u8]) -> Vec<Shown> {
    let known = RefCell::new(None);
    let bind = |map: &TableMap<'_>| match TableBinding::from_metadata(map) {
        Ok(binding) => {
            *known.borrow_mut() = Some(binding.schema().clone());
            Ok(binding)
        }
        Err(DecodeError::MetadataMissing { .. }) => {
            TableBinding::with_schema(map, known.borrow().clone().unwrap())
        }
        Err(error) => Err(error),
    };
    rows_with(file, &bind)
}

/// A change as it was made.
struct Change {
    before: Option<Vec<String>>,
    after: Option<Vec<String>>,
}

impl Change {
    /// Each value that was logged is the right one, and those that the image leaves out are absent.
    fn check(&self, row: &Shown, image: Logged, name: &str) {
        let changed: BTreeSet<usize> = match (&self.before, &self.after) {
            (Some(before), Some(after)) => {
                (0..before.len()).filter(|&at| before[at] != after[at]).collect()
            }
            _ => (0..=NUMBER).collect(),
        };
        let is_update = self.before.is_some() && self.after.is_some();
        // Where MySQL may log a document as changes, it takes it for no blob.
        let partial = name.starts_with("mysql");
        let is_blob = |at| at == NOTES || at == DOCUMENT && !partial;
        for (is_before, found, wanted) in
            [(true, &row.before, &self.before), (false, &row.after, &self.after)]
        {
            let (Some(found), Some(wanted)) = (found, wanted) else {
                assert_eq!(found, wanted, "{name} {image:?}: an image too many or too few");
                continue;
            };
            for (at, (found, wanted)) in found.iter().zip(wanted).enumerate() {
                let logged = match image {
                    Logged::All => true,
                    Logged::Changed if is_before => at == ID,
                    Logged::Changed => !is_update || changed.contains(&at),
                    Logged::NoBlobs if is_before => !is_blob(at),
                    Logged::NoBlobs => !is_blob(at) || changed.contains(&at),
                    Logged::AllButUnchangedAfter => {
                        is_before || !is_update || changed.contains(&at)
                    }
                };
                let wanted = if logged { wanted.as_str() } else { "ABSENT" };
                // A change to a document that was not logged leads nowhere.
                let unknowable = at == DOCUMENT
                    && partial
                    && is_update
                    && !is_before
                    && image == Logged::Changed;
                let wanted = if unknowable { "ABSENT" } else { wanted };
                assert_eq!(found, wanted, "{name} {image:?}: column {at} of {row:?}");
            }
        }
    }
}

/// The changes of `make.py`, in order.
fn changes(mariadb: bool) -> Vec<Change> {
    let document = |number: u8| {
        let text = format!("{{\"a\": {number}, \"b\": \"eight by\"}}");
        if mariadb { hex(text.as_bytes()) } else { text }
    };
    let first: Vec<String> = vec![
        "1".into(),
        hex(b"one"),
        hex("note ".repeat(20).as_bytes()),
        document(1),
        "-1.250".into(),
        "FF00".into(),
        "2024-02-29".into(),
        hex(b"b"),
        "-7".into(),
    ];
    let mut second = vec!["NULL".to_owned(); first.len()];
    second[ID] = "2".into();
    let with = |row: &[String], values: &[(usize, String)]| {
        let mut row = row.to_vec();
        for (at, value) in values {
            row[*at].clone_from(value);
        }
        row
    };
    let renamed = with(&first, &[(NAME, hex(b"uno"))]);
    let documented = with(&renamed, &[(DOCUMENT, document(2))]);
    let numbered = with(&second, &[(NUMBER, "8".into()), (NAME, hex(b"due"))]);
    let change = |before: Option<&Vec<String>>, after: Option<&Vec<String>>| Change {
        before: before.cloned(),
        after: after.cloned(),
    };
    vec![
        change(None, Some(&first)),
        change(None, Some(&second)),
        change(Some(&first), Some(&renamed)),
        change(Some(&renamed), Some(&documented)),
        change(Some(&second), Some(&numbered)),
        change(Some(&documented), None),
        change(Some(&numbered), None),
    ]
}
