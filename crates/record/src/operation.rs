//! The kinds of records.

/// What a record stands for. The discriminants are the symbol numbers of the schema's `Operation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are the schema's own, and DTS explains no more of them")]
pub enum Operation {
    Insert = 0,
    Update = 1,
    Delete = 2,
    Ddl = 3,
    Begin = 4,
    Commit = 5,
    Rollback = 6,
    Abort = 7,
    Heartbeat = 8,
    Checkpoint = 9,
    Command = 10,
    Fill = 11,
    Finish = 12,
    Control = 13,
    Rdb = 14,
    Noop = 15,
    Init = 16,
}

impl Operation {
    /// The schema's name: `INSERT`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Ddl => "DDL",
            Self::Begin => "BEGIN",
            Self::Commit => "COMMIT",
            Self::Rollback => "ROLLBACK",
            Self::Abort => "ABORT",
            Self::Heartbeat => "HEARTBEAT",
            Self::Checkpoint => "CHECKPOINT",
            Self::Command => "COMMAND",
            Self::Fill => "FILL",
            Self::Finish => "FINISH",
            Self::Control => "CONTROL",
            Self::Rdb => "RDB",
            Self::Noop => "NOOP",
            Self::Init => "INIT",
        }
    }

    /// The symbol number in the schema.
    pub(crate) const fn index(self) -> u8 {
        self as u8
    }

    /// The operation with this symbol number.
    pub(crate) fn from_index(index: i32) -> Option<Self> {
        usize::try_from(index).ok().and_then(|index| ALL.get(index)).copied()
    }
}

impl From<change::RowOperation> for Operation {
    fn from(operation: change::RowOperation) -> Self {
        match operation {
            change::RowOperation::Insert => Self::Insert,
            change::RowOperation::Update => Self::Update,
            change::RowOperation::Delete => Self::Delete,
        }
    }
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

const ALL: [Operation; 17] = [
    Operation::Insert,
    Operation::Update,
    Operation::Delete,
    Operation::Ddl,
    Operation::Begin,
    Operation::Commit,
    Operation::Rollback,
    Operation::Abort,
    Operation::Heartbeat,
    Operation::Checkpoint,
    Operation::Command,
    Operation::Fill,
    Operation::Finish,
    Operation::Control,
    Operation::Rdb,
    Operation::Noop,
    Operation::Init,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RECORD_SCHEMA;

    #[test]
    fn names_and_numbers_are_the_schemas() {
        let types: serde_json::Value = serde_json::from_str(RECORD_SCHEMA).unwrap();
        let fields = types.as_array().unwrap().last().unwrap()["fields"].as_array().unwrap();
        let operation = fields.iter().find(|field| field["name"] == "operation").unwrap();
        let symbols = operation["type"]["symbols"].as_array().unwrap();
        assert_eq!(symbols.len(), ALL.len());
        for (index, symbol) in (0..).zip(symbols) {
            let operation = Operation::from_index(index).unwrap();
            assert_eq!(operation.name(), symbol.as_str().unwrap());
            assert_eq!(i32::from(operation.index()), index);
        }
        assert_eq!(Operation::from_index(17), None);
        assert_eq!(Operation::from_index(-1), None);
    }
}
