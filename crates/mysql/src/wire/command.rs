//! Payloads of the commands a replica sends.

use crate::wire::Writer;

/// `COM_QUIT`.
#[must_use]
pub fn quit() -> Vec<u8> {
    vec![0x01]
}

/// `COM_PING`.
#[must_use]
pub fn ping() -> Vec<u8> {
    vec![0x0e]
}

/// `COM_QUERY`, text protocol.
#[must_use]
pub fn query(sql: &str) -> Vec<u8> {
    Writer::new().u8(0x03).bytes(sql.as_bytes()).finish()
}

/// `COM_REGISTER_SLAVE`: makes us visible in `SHOW REPLICAS`.
#[must_use]
pub fn register_replica(server_id: u32, host: &str) -> Vec<u8> {
    Writer::new()
        .u8(0x15)
        .u32(server_id)
        .short_bytes(cut(host, MAX_REPORTED_HOST).as_bytes())
        .short_bytes(b"") // user
        .short_bytes(b"") // password
        .u16(0) // port
        .u32(0) // rank
        .u32(0) // id of the source, filled in by the server
        .finish()
}

/// `COM_BINLOG_DUMP`: the log from a byte of a file, waiting at its end.
#[must_use]
pub fn binlog_dump(server_id: u32, file: &str, position: u32, flags: u16) -> Vec<u8> {
    Writer::new().u8(0x12).u32(position).u16(flags).u32(server_id).bytes(file.as_bytes()).finish()
}

/// `COM_BINLOG_DUMP_GTID` (MySQL): the log except what `gtid_set` holds, waiting at its end.
/// `gtid_set` is the set in its binary encoding (`Gtid_set::encode`).
#[must_use]
pub fn binlog_dump_gtid(server_id: u32, gtid_set: &[u8]) -> Vec<u8> {
    let length = u32::try_from(gtid_set.len()).unwrap_or(u32::MAX);
    Writer::new()
        .u8(0x1e)
        .u16(BINLOG_THROUGH_GTID)
        .u32(server_id)
        .u32(0) // no file name: the server finds the file
        .u64(4) // behind the file's magic
        .u32(length)
        .bytes(gtid_set)
        .finish()
}

/// Flag of `COM_BINLOG_DUMP`: end the dump at the end of the log.
pub const STOP_AT_END: u16 = 1;

/// MariaDB's flag of `COM_BINLOG_DUMP`: send the statements' texts as `ANNOTATE_ROWS_EVENT`.
pub const SEND_ANNOTATE_ROWS: u16 = 2;

/// MySQL's flag of `COM_BINLOG_DUMP_GTID`: a set follows.
const BINLOG_THROUGH_GTID: u16 = 4;

/// `HOSTNAME_LENGTH` of the oldest servers.
const MAX_REPORTED_HOST: usize = 60;

fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}
