//! Events: the common header, the checksum, and one struct per kind.
//!
//! Follows `libs/mysql/binlog/event` of MySQL and `sql/log_event.h` of MariaDB. Version 4 of the format
//! only (MySQL 5.0 and later).

mod control;
mod format;
mod header;
mod mariadb;
mod query;
mod transaction;

pub use control::{Heartbeat, Incident, Rotate, XaPrepare};
pub use format::FormatDescription;
pub(super) use format::TableIdWidth;
pub(super) use header::RowsLayout;
pub use header::{Checksum, EventHeader, EventType, RawEvent};
pub use mariadb::{
    AnnotateRows, BinlogCheckpoint, GtidListEvent, MariaDbGtidEvent, StartEncryption,
};
pub use query::{CompressedQuery, Query, QueryVariables};
pub use transaction::{GtidEvent, PreviousGtids};

use super::payload::TransactionPayload;
use super::rows::{CompressedRows, RowsEvent};
use super::table_map::TableMap;
use super::{DecodeError, cursor::Cursor};

/// One decoded event. Row contents and compressed parts are read on demand.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// The first event of a file: how the others are laid out.
    FormatDescription(FormatDescription),
    /// The log goes on in another file.
    Rotate(Rotate<'a>),
    /// A transaction begins (MySQL, tagged or not, anonymous or not).
    Gtid(GtidEvent),
    /// What the files before this one hold (MySQL).
    PreviousGtids(PreviousGtids<'a>),
    /// A statement: BEGIN, COMMIT, DDL, or DML in statement format.
    Query(Query<'a>),
    /// A statement, compressed (MariaDB).
    CompressedQuery(CompressedQuery<'a>),
    /// A transaction of a transactional engine commits; its number.
    Xid(u64),
    /// An XA transaction is prepared, or committed in one phase.
    XaPrepare(XaPrepare<'a>),
    /// The statement behind the rows that follow (MySQL).
    RowsQuery(&'a [u8]),
    /// The table behind the rows that follow.
    TableMap(TableMap<'a>),
    /// Changed rows.
    Rows(RowsEvent<'a>),
    /// Changed rows, compressed (MariaDB).
    CompressedRows(CompressedRows<'a>),
    /// A whole transaction, compressed (MySQL).
    TransactionPayload(TransactionPayload<'a>),
    /// The server is alive and idle.
    Heartbeat(Heartbeat<'a>),
    /// The server lost something between what came before and what follows.
    Incident(Incident<'a>),
    /// The server shut down in order; the next file follows.
    Stop,
    /// A transaction begins (MariaDB).
    MariaDbGtid(MariaDbGtidEvent<'a>),
    /// What the files before this one hold (MariaDB).
    GtidList(GtidListEvent<'a>),
    /// The statement behind the rows that follow (MariaDB).
    AnnotateRows(AnnotateRows<'a>),
    /// The oldest file that crash recovery still needs (MariaDB).
    BinlogCheckpoint(BinlogCheckpoint<'a>),
    /// The rest of the file is encrypted on disk (MariaDB). Servers decrypt before they send.
    StartEncryption(StartEncryption),
    /// Means nothing to a reader of row changes, or is unknown and marked as ignorable.
    Skipped,
}

impl<'a> Event<'a> {
    /// Reads the event's own fields.
    ///
    /// # Errors
    /// Bytes that break the format, an event that we know but do not support, or one that we do not
    /// know and that is not marked as ignorable.
    pub fn decode(raw: &RawEvent<'a>, format: &FormatDescription) -> Result<Self, DecodeError> {
        let body = raw.body;
        let kind = raw.header.event_type;
        Ok(match kind {
            EventType::FORMAT_DESCRIPTION => {
                Self::FormatDescription(FormatDescription::decode(body)?)
            }
            EventType::ROTATE => Self::Rotate(Rotate::decode(body)?),
            EventType::GTID | EventType::ANONYMOUS_GTID => {
                Self::Gtid(GtidEvent::decode(kind, body)?)
            }
            EventType::GTID_TAGGED => Self::Gtid(GtidEvent::decode_tagged(body)?),
            EventType::PREVIOUS_GTIDS => Self::PreviousGtids(PreviousGtids { body }),
            EventType::QUERY => Self::Query(Query::decode(body)?),
            EventType::EXECUTE_LOAD_QUERY => Self::Query(Query::decode_load(body)?),
            EventType::QUERY_COMPRESSED => {
                Self::CompressedQuery(CompressedQuery { query: Query::decode(body)? })
            }
            EventType::XID => Self::Xid(Cursor::new("an XID event", body).u64()?),
            EventType::XA_PREPARE => Self::XaPrepare(XaPrepare::decode(body)?),
            EventType::ROWS_QUERY => Self::RowsQuery(control::rows_query(body)?),
            EventType::TABLE_MAP => Self::TableMap(TableMap::decode(
                body,
                format.table_id_width(kind),
                format.is_mariadb(),
            )?),
            EventType::HEARTBEAT => Self::Heartbeat(Heartbeat::decode_v1(&raw.header, body)),
            EventType::HEARTBEAT_V2 => Self::Heartbeat(Heartbeat::decode_v2(body)?),
            EventType::TRANSACTION_PAYLOAD => {
                Self::TransactionPayload(TransactionPayload::decode(body)?)
            }
            EventType::INCIDENT => Self::Incident(Incident::decode(body)?),
            EventType::STOP => Self::Stop,
            EventType::MARIADB_GTID => {
                Self::MariaDbGtid(MariaDbGtidEvent::decode(raw.header.server_id, body)?)
            }
            EventType::MARIADB_GTID_LIST => Self::GtidList(GtidListEvent::decode(body)?),
            EventType::ANNOTATE_ROWS => Self::AnnotateRows(AnnotateRows { statement: body }),
            EventType::BINLOG_CHECKPOINT => Self::BinlogCheckpoint(BinlogCheckpoint::decode(body)?),
            EventType::START_ENCRYPTION => Self::StartEncryption(StartEncryption::decode(body)?),
            _ if kind.is_pre_ga_rows() => {
                return Err(DecodeError::Unsupported(
                    "row events of servers before MySQL 5.1.18 are not supported".into(),
                ));
            }
            _ => {
                match kind.rows_layout() {
                    Some(layout) if layout.compressed => Self::CompressedRows(
                        CompressedRows::decode(layout, body, format.table_id_width(kind))?,
                    ),
                    Some(layout) => {
                        Self::Rows(RowsEvent::decode(layout, body, format.table_id_width(kind))?)
                    }
                    None if kind.is_skippable() || raw.header.is_ignorable() => Self::Skipped,
                    None => return Err(DecodeError::UnknownEvent(kind.number())),
                }
            }
        })
    }
}
