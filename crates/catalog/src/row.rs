//! Reads typed values out of rows; a value that cannot be is a damaged catalog, not a panic.

use change::UnixTime;
use rusqlite::Row;
use rusqlite::types::Type;
use serde::de::DeserializeOwned;

/// A text column, through a parser.
pub(crate) fn parsed<T, E>(
    row: &Row<'_>,
    column: &str,
    parse: impl FnOnce(String) -> Result<T, E>,
) -> rusqlite::Result<T>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let index = row.as_ref().column_index(column)?;
    parse(row.get(index)?)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, e.into()))
}

/// A nullable text column, through a parser.
pub(crate) fn optional_parsed<T, E>(
    row: &Row<'_>,
    column: &str,
    parse: impl FnOnce(String) -> Result<T, E>,
) -> rusqlite::Result<Option<T>>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match row.get::<_, Option<String>>(column)? {
        Some(_) => parsed(row, column, parse).map(Some),
        None => Ok(None),
    }
}

/// A text column that holds JSON.
pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    parsed(row, column, |text| serde_json::from_str(&text))
}

/// A column of seconds since the epoch.
pub(crate) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<UnixTime> {
    row.get(column).map(UnixTime::from_seconds)
}

/// A nullable column of seconds since the epoch.
pub(crate) fn optional_time(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<UnixTime>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(UnixTime::from_seconds))
}

/// A nullable column of a number that is not below zero.
pub(crate) fn optional_unsigned(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<u64>> {
    let index = row.as_ref().column_index(column)?;
    row.get::<_, Option<i64>>(index)?
        .map(|number| {
            u64::try_from(number)
                .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(index, number))
        })
        .transpose()
}

/// SQLite's integers end at 2^63 - 1, which is beyond every size and age that is meant.
pub(crate) fn to_integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
