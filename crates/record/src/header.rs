//! What stands around the content of every record: header, object name, tags, and the born timestamp.
//!
//! Follows sections 2.1, 2.7 and 2.8 of the DTS record format as its public clients read it. Which tags
//! a record has is decided by [`crate::encode`].

use change::{SourceInfo, SourceKind, UnixTime};

use crate::Operation;
use crate::avro::{Number, write_digits, write_index, write_len, write_long, write_string};

/// The values of a record that every kind of record has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header<'a> {
    pub(crate) place: Place<'a>,
    /// What [`encode_source`] made.
    pub(crate) source: &'a [u8],
    pub(crate) operation: Operation,
    pub(crate) object: Object<'a>,
}

/// Where a record stands: in its stream, in time, and in the log of its source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) id: i64,
    pub(crate) time: UnixTime,
    pub(crate) position: &'a str,
    pub(crate) safe_position: &'a str,
}

/// The `objectName` of a record.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Object<'a> {
    /// The null branch.
    None,
    /// What [`encode_object`] made.
    Encoded(&'a [u8]),
    /// One name, not yet escaped.
    Name(&'a str),
}

/// Appends a whole record. `content` appends `fields` and both images.
pub(crate) fn write_record<E>(
    out: &mut Vec<u8>,
    header: &Header<'_>,
    tags: impl FnOnce(&mut Tags<'_>),
    content: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    write_place(out, &header.place);
    write_kind(out, header.source, header.operation, header.object);
    let mut written = Tags::begin(out);
    tags(&mut written);
    written.finish();
    content(out)?;
    write_end(out, &header.place);
    Ok(())
}

/// Appends what a record begins with.
#[inline]
pub(crate) fn write_place(out: &mut Vec<u8>, place: &Place<'_>) {
    out.push(VERSION);
    write_long(out, place.id);
    write_long(out, place.time.seconds());
    write_string(out, place.position);
    write_string(out, place.safe_position);
}

/// Appends what stands between the place of a record and its tags.
pub(crate) fn write_kind(
    out: &mut Vec<u8>,
    source: &[u8],
    operation: Operation,
    object: Object<'_>,
) {
    out.extend_from_slice(source);
    write_index(out, operation.index());
    match object {
        Object::None => out.push(NO_OBJECT),
        Object::Encoded(object) => out.extend_from_slice(object),
        Object::Name(name) => {
            out.push(SOME_OBJECT);
            write_len(out, escaped_len(name));
            push_escaped(out, name);
        }
    }
    out.push(NO_PROCESS_TIMESTAMPS);
}

/// Appends what a record ends with: the time when it came to be.
#[inline]
pub(crate) fn write_end(out: &mut Vec<u8>, place: &Place<'_>) {
    write_long(out, place.time.seconds());
}

/// `sourceTxid` and `source`, which stay the same while a connection lasts.
pub(crate) fn encode_source(source: &SourceInfo) -> Vec<u8> {
    let mut out = Vec::new();
    write_string(&mut out, "0");
    write_index(
        &mut out,
        match source.kind {
            SourceKind::MySql => 0,
            SourceKind::PostgreSql => 3,
        },
    );
    write_string(&mut out, &source.version);
    out
}

/// `objectName` of a table.
pub(crate) fn encode_object(database: &str, table: &str) -> Vec<u8> {
    let mut out = vec![SOME_OBJECT];
    write_len(&mut out, escaped_len(database) + 1 + escaped_len(table));
    push_escaped(&mut out, database);
    out.push(b'.');
    push_escaped(&mut out, table);
    out
}

fn escaped_len(name: &str) -> usize {
    let dots = name.bytes().filter(|byte| *byte == b'.').count();
    name.len() + dots * (ESCAPED_DOT.len() - 1)
}

fn push_escaped(out: &mut Vec<u8>, name: &str) {
    let mut parts = name.split('.');
    out.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        out.extend_from_slice(ESCAPED_DOT.as_bytes());
        out.extend_from_slice(part.as_bytes());
    }
}

/// Writes the map of tags. Its count stands before the entries and is patched at the end; at most
/// [`MAX_TAGS`] keep it in one byte.
#[derive(Debug)]
pub(crate) struct Tags<'o> {
    out: &'o mut Vec<u8>,
    count_at: usize,
    count: u8,
}

impl<'o> Tags<'o> {
    pub(crate) fn begin(out: &'o mut Vec<u8>) -> Self {
        let count_at = out.len();
        out.push(0);
        Self { out, count_at, count: 0 }
    }

    /// Adds a tag with a text.
    pub(crate) fn text(&mut self, key: &str, text: &str) {
        write_string(self.out, key);
        write_string(self.out, text);
        self.count += 1;
    }

    /// Adds a tag with a number.
    pub(crate) fn number(&mut self, key: &str, number: impl Into<Number>) {
        write_string(self.out, key);
        write_digits(self.out, number);
        self.count += 1;
    }

    /// Adds a tag with a number, where it is known.
    pub(crate) fn known_number(&mut self, key: &str, number: Option<impl Into<Number>>) {
        if let Some(number) = number {
            self.number(key, number);
        }
    }

    /// Adds `count` tags that are already encoded.
    pub(crate) fn encoded(&mut self, tags: &[u8], count: u8) {
        self.out.extend_from_slice(tags);
        self.count += count;
    }

    fn finish(mut self) {
        if self.count > 0 {
            self.write_count();
            self.out.push(TAGS_END);
        }
    }

    /// Leaves `more` tags to be appended behind, and the end.
    pub(crate) fn leave_open(mut self, more: u8) {
        self.count += more;
        self.write_count();
    }

    fn write_count(&mut self) {
        debug_assert!(self.count <= MAX_TAGS, "the count of tags takes one byte");
        if let Some(count) = self.out.get_mut(self.count_at) {
            *count = self.count << 1;
        }
    }
}

/// A dot inside a name, so that names can be split at dots.
pub(crate) const ESCAPED_DOT: &str = "\\u002E";

const VERSION: u8 = 0;
const NO_OBJECT: u8 = 0;
const SOME_OBJECT: u8 = 1 << 1;
const NO_PROCESS_TIMESTAMPS: u8 = 0;
const MAX_TAGS: u8 = 63;
/// Stands behind the tags, if there are any.
pub(crate) const TAGS_END: u8 = 0;
