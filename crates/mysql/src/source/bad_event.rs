//! Events that cannot be used, as an operator is shown them.

use capture::BadEvent;

use crate::binlog::{EventHeader, EventType};

/// The event as an operator is shown it.
pub(crate) fn bad_event(place: String, bytes: &[u8]) -> BadEvent {
    let kind = EventHeader::parse(bytes).map_or("an event without a header".into(), |header| {
        let kind = header.event_type;
        name(kind).map_or_else(|| format!("event of type {}", kind.number()), Into::into)
    });
    let shown = bytes.get(..BadEvent::BYTES_MAX.min(bytes.len())).unwrap_or_default();
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    BadEvent { place, kind, size, bytes: shown.to_vec() }
}

/// The name in MySQL's and MariaDB's manuals.
fn name(kind: EventType) -> Option<&'static str> {
    Some(match kind {
        EventType::QUERY => "QUERY_EVENT",
        EventType::STOP => "STOP_EVENT",
        EventType::ROTATE => "ROTATE_EVENT",
        EventType::INTVAR => "INTVAR_EVENT",
        EventType::RAND => "RAND_EVENT",
        EventType::USER_VAR => "USER_VAR_EVENT",
        EventType::FORMAT_DESCRIPTION => "FORMAT_DESCRIPTION_EVENT",
        EventType::XID => "XID_EVENT",
        EventType::BEGIN_LOAD_QUERY => "BEGIN_LOAD_QUERY_EVENT",
        EventType::EXECUTE_LOAD_QUERY => "EXECUTE_LOAD_QUERY_EVENT",
        EventType::TABLE_MAP => "TABLE_MAP_EVENT",
        EventType::WRITE_ROWS_V1 => "WRITE_ROWS_EVENTv1",
        EventType::UPDATE_ROWS_V1 => "UPDATE_ROWS_EVENTv1",
        EventType::DELETE_ROWS_V1 => "DELETE_ROWS_EVENTv1",
        EventType::INCIDENT => "INCIDENT_EVENT",
        EventType::HEARTBEAT => "HEARTBEAT_EVENT",
        EventType::ROWS_QUERY => "ROWS_QUERY_EVENT",
        EventType::WRITE_ROWS => "WRITE_ROWS_EVENTv2",
        EventType::UPDATE_ROWS => "UPDATE_ROWS_EVENTv2",
        EventType::DELETE_ROWS => "DELETE_ROWS_EVENTv2",
        EventType::PARTIAL_UPDATE_ROWS => "PARTIAL_UPDATE_ROWS_EVENT",
        EventType::GTID => "GTID_EVENT",
        EventType::ANONYMOUS_GTID => "ANONYMOUS_GTID_EVENT",
        EventType::GTID_TAGGED => "GTID_TAGGED_EVENT",
        EventType::PREVIOUS_GTIDS => "PREVIOUS_GTIDS_EVENT",
        EventType::XA_PREPARE => "XA_PREPARE_EVENT",
        EventType::TRANSACTION_PAYLOAD => "TRANSACTION_PAYLOAD_EVENT",
        EventType::HEARTBEAT_V2 => "HEARTBEAT_EVENTv2",
        EventType::ANNOTATE_ROWS => "ANNOTATE_ROWS_EVENT",
        EventType::BINLOG_CHECKPOINT => "BINLOG_CHECKPOINT_EVENT",
        EventType::MARIADB_GTID => "MARIADB_GTID_EVENT",
        EventType::MARIADB_GTID_LIST => "GTID_LIST_EVENT",
        EventType::START_ENCRYPTION => "START_ENCRYPTION_EVENT",
        EventType::QUERY_COMPRESSED => "QUERY_COMPRESSED_EVENT",
        EventType::WRITE_ROWS_COMPRESSED_V1 => "WRITE_ROWS_COMPRESSED_EVENT_V1",
        EventType::UPDATE_ROWS_COMPRESSED_V1 => "UPDATE_ROWS_COMPRESSED_EVENT_V1",
        EventType::DELETE_ROWS_COMPRESSED_V1 => "DELETE_ROWS_COMPRESSED_EVENT_V1",
        EventType::WRITE_ROWS_COMPRESSED => "WRITE_ROWS_COMPRESSED_EVENT",
        EventType::UPDATE_ROWS_COMPRESSED => "UPDATE_ROWS_COMPRESSED_EVENT",
        EventType::DELETE_ROWS_COMPRESSED => "DELETE_ROWS_COMPRESSED_EVENT",
        _ => return None,
    })
}
