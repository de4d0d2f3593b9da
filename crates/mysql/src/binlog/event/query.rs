//! QUERY: a statement as the server executed it, with the session's settings.

use crate::binlog::{DecodeError, cursor::Cursor, inflate::inflate};

/// A statement: BEGIN, COMMIT, DDL, or DML in statement format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query<'a> {
    /// The connection that executed it.
    pub thread_id: u32,
    /// Seconds it took.
    pub execution_seconds: u32,
    /// The error it ended with on the server that first executed it, or 0.
    pub error_code: u16,
    /// The session's settings.
    pub variables: QueryVariables<'a>,
    /// The session's current database, or empty.
    pub database: &'a [u8],
    /// The statement, in the character set of the client.
    pub statement: &'a [u8],
}

/// A QUERY event whose statement MariaDB compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompressedQuery<'a> {
    pub(super) query: Query<'a>,
}

/// The settings of a session, as far as its event tells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueryVariables<'a> {
    /// Session flags (`Q_FLAGS2_CODE`).
    pub flags2: Option<u32>,
    /// `sql_mode` (`Q_SQL_MODE_CODE`).
    pub sql_mode: Option<u64>,
    /// Collations of client, connection and server (`Q_CHARSET_CODE`).
    pub charset: Option<[u16; 3]>,
    /// Time zone, if it matters to the statement.
    pub time_zone: Option<&'a [u8]>,
    /// Collation of the current database (`Q_CHARSET_DATABASE_CODE`).
    pub database_collation: Option<u16>,
    /// Microseconds to add to the event's timestamp (`Q_MICROSECONDS`, `Q_HRNOW`).
    pub microseconds: Option<u32>,
    /// Identifier of the transaction of an atomic DDL statement (`Q_DDL_LOGGED_WITH_XID`, `Q_XID`).
    pub ddl_xid: Option<u64>,
}

impl<'a> Query<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_with(Cursor::new("a QUERY event", body), 0)
    }

    /// The LOAD DATA of an EXECUTE_LOAD_QUERY event: a QUERY event with the number of the loaded file,
    /// the place of its name in the statement, and what to do about duplicates in between.
    pub(super) fn decode_load(body: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_with(Cursor::new("an EXECUTE_LOAD_QUERY event", body), 4 + 4 + 4 + 1)
    }

    /// `more` bytes follow the fixed part.
    fn decode_with(mut cursor: Cursor<'a>, more: usize) -> Result<Self, DecodeError> {
        let thread_id = cursor.u32()?;
        let execution_seconds = cursor.u32()?;
        let database_length = cursor.u8()?;
        let error_code = cursor.u16()?;
        let variables_length = cursor.u16()?;
        cursor.bytes(more)?;
        let variables = cursor.bytes(usize::from(variables_length))?;
        let database = cursor.bytes(usize::from(database_length))?;
        if cursor.u8()? != 0 {
            return Err(cursor.malformed("the database's name has no end"));
        }
        Ok(Self {
            thread_id,
            execution_seconds,
            error_code,
            variables: QueryVariables::decode(variables),
            database,
            statement: cursor.rest(),
        })
    }
}

impl<'a> CompressedQuery<'a> {
    /// The query with its statement inflated into `buffer`, at most `limit` bytes.
    ///
    /// # Errors
    /// The compressed part is damaged, or the statement is longer than `limit`.
    pub fn inflate<'b>(
        &self,
        buffer: &'b mut Vec<u8>,
        limit: usize,
    ) -> Result<Query<'b>, DecodeError>
    where
        'a: 'b,
    {
        let statement = inflate("a compressed QUERY event", self.query.statement, buffer, limit)?;
        Ok(Query { statement, ..self.query })
    }
}

impl<'a> QueryVariables<'a> {
    /// Reads up to the first variable that is unknown: without its length, what follows cannot be
    /// found, and nothing in it is needed to understand the statement.
    fn decode(bytes: &'a [u8]) -> Self {
        let mut variables = Self::default();
        let mut cursor = Cursor::new("the variables of a QUERY event", bytes);
        while !cursor.is_empty() && variables.decode_one(&mut cursor) == Ok(true) {}
        variables
    }

    /// Whether the next variable was known.
    fn decode_one(&mut self, cursor: &mut Cursor<'a>) -> Result<bool, DecodeError> {
        match cursor.u8()? {
            Q_FLAGS2 => self.flags2 = Some(cursor.u32()?),
            Q_SQL_MODE => self.sql_mode = Some(cursor.u64()?),
            Q_CATALOG => {
                cursor.short_bytes()?;
                cursor.u8()?;
            }
            Q_AUTO_INCREMENT => {
                cursor.u32()?;
            }
            Q_CHARSET => self.charset = Some([cursor.u16()?, cursor.u16()?, cursor.u16()?]),
            Q_TIME_ZONE => self.time_zone = Some(cursor.short_bytes()?),
            Q_CATALOG_NZ => {
                cursor.short_bytes()?;
            }
            Q_LC_TIME_NAMES | Q_DEFAULT_COLLATION_FOR_UTF8MB4 => {
                cursor.u16()?;
            }
            Q_CHARSET_DATABASE => self.database_collation = Some(cursor.u16()?),
            Q_TABLE_MAP_FOR_UPDATE => {
                cursor.u64()?;
            }
            Q_MASTER_DATA_WRITTEN => {
                cursor.u32()?;
            }
            Q_INVOKER => {
                cursor.short_bytes()?;
                cursor.short_bytes()?;
            }
            Q_UPDATED_DB_NAMES => skip_database_names(cursor)?,
            Q_MICROSECONDS | Q_HRNOW => self.microseconds = Some(cursor.u24()?),
            Q_EXPLICIT_DEFAULTS_FOR_TIMESTAMP
            | Q_SQL_REQUIRE_PRIMARY_KEY
            | Q_DEFAULT_TABLE_ENCRYPTION => {
                cursor.u8()?;
            }
            Q_DDL_LOGGED_WITH_XID | Q_XID => self.ddl_xid = Some(cursor.u64()?),
            Q_GTID_FLAGS3 => {
                let flags = cursor.u16()?;
                // The sequence number of the ALTER that began before follows.
                if flags & 0x000c != 0 {
                    cursor.u64()?;
                }
            }
            // Stands before the character sets of MariaDB 11's sessions that chose collations for them.
            Q_CHARACTER_SET_COLLATIONS => {
                let pairs = cursor.u8()?;
                cursor.bytes(4 * usize::from(pairs))?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// A count and as many zero-terminated names; 254 stands for *too many to tell*.
fn skip_database_names(cursor: &mut Cursor<'_>) -> Result<(), DecodeError> {
    let count = cursor.u8()?;
    if count == 254 {
        return Ok(());
    }
    for _ in 0..count {
        while cursor.u8()? != 0 {}
    }
    Ok(())
}

const Q_FLAGS2: u8 = 0;
const Q_SQL_MODE: u8 = 1;
const Q_CATALOG: u8 = 2;
const Q_AUTO_INCREMENT: u8 = 3;
const Q_CHARSET: u8 = 4;
const Q_TIME_ZONE: u8 = 5;
const Q_CATALOG_NZ: u8 = 6;
const Q_LC_TIME_NAMES: u8 = 7;
const Q_CHARSET_DATABASE: u8 = 8;
const Q_TABLE_MAP_FOR_UPDATE: u8 = 9;
const Q_MASTER_DATA_WRITTEN: u8 = 10;
const Q_INVOKER: u8 = 11;
const Q_UPDATED_DB_NAMES: u8 = 12;
const Q_MICROSECONDS: u8 = 13;
const Q_EXPLICIT_DEFAULTS_FOR_TIMESTAMP: u8 = 16;
const Q_DDL_LOGGED_WITH_XID: u8 = 17;
const Q_DEFAULT_COLLATION_FOR_UTF8MB4: u8 = 18;
const Q_SQL_REQUIRE_PRIMARY_KEY: u8 = 19;
const Q_DEFAULT_TABLE_ENCRYPTION: u8 = 20;
const Q_HRNOW: u8 = 128;
const Q_XID: u8 = 129;
const Q_GTID_FLAGS3: u8 = 130;
const Q_CHARACTER_SET_COLLATIONS: u8 = 131;
