//! What a verification is asked, how far it is, and what it found.

/// What to verify.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Patterns of tables, like `shop.*`; all of the task's when empty.
    pub tables: Vec<String>,
    /// The share of rows that is compared, in hundredths of a percent: 1 to 10 000.
    pub sample: u32,
    /// Whether differing values are shown.
    pub values: bool,
    /// How many differences are listed; all are counted.
    pub listed: usize,
}

/// How far a verification is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// What is going on.
    pub phase: Phase,
    /// Records read, of all passes so far.
    pub records_read: u64,
    /// Rows compared with the source.
    pub rows_compared: u64,
    /// Differences found.
    pub differences: u64,
}

/// What a verification is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Phase {
    /// Reads the log and checks it in itself.
    #[default]
    ReadingLog,
    /// Compares rows with the source.
    Comparing,
    /// Looks for rows of the source that the log does not know.
    ScanningSource,
}

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// First offset that was verified.
    pub first_offset: i64,
    /// The offset behind the last one.
    pub end_offset: i64,
    /// Records read once.
    pub records: u64,
    /// How often the log was read, for want of memory.
    pub passes: u32,
    /// The share of rows that was compared, in hundredths of a percent.
    pub sample: u32,
    /// How long it took.
    pub seconds: f64,
    /// By database and name.
    pub tables: Vec<TableReport>,
    /// The first ones.
    pub differences: Vec<Difference>,
    /// All of them.
    pub difference_count: u64,
    /// What is wrong with the log apart from what it says: damage, gaps between offsets.
    pub log_faults: Vec<String>,
    /// What a reader must know to judge the rest.
    pub remarks: Vec<String>,
}

/// What was found of one table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableReport {
    /// Its database.
    pub database: String,
    /// Its name.
    pub table: String,
    /// Records of its rows in the log, in the first pass.
    pub records: u64,
    /// Rows compared.
    pub rows: u64,
    /// Of these, the same on both sides.
    pub equal: u64,
    /// Of these, not the same.
    pub different: u64,
    /// Of these, not the same, but the table was redefined since the log last showed the row.
    pub altered: u64,
    /// Of the equal ones, those that changed meanwhile and were compared again.
    pub changed_meanwhile: u64,
    /// Records that do not follow from the one before.
    pub broken: u64,
    /// Rows of the source that the log does not show because they are older.
    pub not_in_log: u64,
    /// Values that could not be compared: not logged, or of a column that was redefined.
    pub values_left_out: u64,
    /// Why the table was not compared, if so.
    pub skipped: Option<String>,
    /// Time spent on it.
    pub seconds: f64,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its table's database.
    pub database: String,
    /// Its table.
    pub table: String,
    /// What differs.
    pub kind: DifferenceKind,
    /// Names and values of the key's columns.
    pub key: Vec<(String, String)>,
    /// Columns that differ, where it is about columns.
    pub columns: Vec<DifferingColumn>,
    /// The record concerned; `None` if the log has none.
    pub offset: Option<i64>,
    /// The record before, where two records contradict each other.
    pub previous_offset: Option<i64>,
}

/// A column that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferingColumn {
    /// Its name.
    pub name: String,
    /// What the log (or the earlier record) says, and what the source (or the later one) says, if values
    /// were asked for.
    pub values: Option<(String, String)>,
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DifferenceKind {
    /// The source has other values than the newest record of the row.
    Value,
    /// The log says the row is there, the source does not have it.
    MissingInSource,
    /// The log says the row was deleted, the source has it.
    NotDeleted,
    /// The source has the row, and the log, which knows all of the table, never showed it.
    MissingInLog,
    /// The row was not left by the record before as this record found it.
    BrokenChain,
    /// The row is inserted although it is there.
    AppearsTwice,
    /// The row is changed or deleted although it is not there.
    NeverAppeared,
}

impl DifferenceKind {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::MissingInSource => "missing_in_source",
            Self::NotDeleted => "not_deleted",
            Self::MissingInLog => "missing_in_log",
            Self::BrokenChain => "broken_chain",
            Self::AppearsTwice => "appears_twice",
            Self::NeverAppeared => "never_appeared",
        }
    }

    /// Whether it was found in the log alone.
    #[must_use]
    pub const fn is_of_chain(self) -> bool {
        matches!(self, Self::BrokenChain | Self::AppearsTwice | Self::NeverAppeared)
    }
}

impl Phase {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadingLog => "reading_log",
            Self::Comparing => "comparing",
            Self::ScanningSource => "scanning_source",
        }
    }
}

impl Report {
    /// Whether anything is wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.difference_count == 0 && self.log_faults.is_empty()
    }
}
