//! What can go wrong in either direction. No message holds a value of a row.

use change::ImageError;

/// A change that has no encoding. The source that handed it out is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The image failed while it was visited.
    #[error("a row of {table} cannot be read")]
    Image {
        /// `database.table`.
        table: String,
        /// What failed.
        #[source]
        error: ImageError,
    },
    /// A value of another kind than its column's, or outside of its range.
    #[error("column {column} of {table} was given a value that its type cannot hold")]
    WrongValue {
        /// `database.table`.
        table: String,
        /// Name of the column.
        column: String,
    },
    /// An image whose columns are not those of its schema, one by one and in order.
    #[error(
        "an image of {table} does not follow its schema: column {found} where {expected} is due"
    )]
    WrongColumns {
        /// `database.table`.
        table: String,
        /// Index of the column that should have come; the number of columns where none is left.
        expected: usize,
        /// Index of the column that came; the number of columns where the image ended early.
        found: usize,
    },
    /// An insert or update without its after image, or an update or delete without its before image.
    #[error("a row of {table} lacks its {image} image")]
    MissingImage {
        /// `database.table`.
        table: String,
        /// `before` or `after`.
        image: &'static str,
    },
}

/// Bytes that are not one of our records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The record ends too early.
    #[error("the record is cut off at byte {0}")]
    Truncated(usize),
    /// Something that Avro or the schema does not allow.
    #[error("the record is malformed at byte {offset}: {reason}")]
    Malformed {
        /// Where in the record.
        offset: usize,
        /// What is wrong.
        reason: &'static str,
    },
}
