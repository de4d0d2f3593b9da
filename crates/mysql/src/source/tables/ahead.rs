//! Which tables are named by statements between the reader's place and the end of the server's log.
//!
//! What the server says of a table now is how the table is at the end of its log. It is how the table
//! is at the reader's place too, if no statement in between names it. That can be seen: the statements
//! in between are in the log, and reading ahead for them alone needs no definition.

use std::collections::HashMap;

use super::Name;
use crate::ddl::{Context, DatabaseChange, Definition, Model, mentions};
use crate::source::position::{BinlogPosition, file_number};
use crate::source::statement::{Statement, classify};

/// A place in the log of one server: the number of a file, and a byte.
pub(crate) type LogPlace = (u64, u64);

/// What is known of the statements ahead.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    /// Statements up to here are known.
    read_to: BinlogPosition,
    /// Where the last statement stands that names the table.
    tables: HashMap<Name, LogPlace>,
    /// Where the last statement stands that concerns all tables of a database.
    databases: HashMap<String, LogPlace>,
    /// There were more names than are kept, or an event that cannot be read: up to here, every table
    /// may be named.
    any: LogPlace,
}

/// Names that are kept.
const NAMES_MAX: usize = 500_000;

impl Ahead {
    /// From where on statements are still to be read, for a reader that is at `here`.
    pub(crate) fn unread<'p>(&'p self, here: &'p BinlogPosition) -> &'p BinlogPosition {
        // A dump cannot start at a byte beyond 4 GiB, but behind GTIDs, which only `here` has.
        let can_start = self.read_to.offset <= u64::from(u32::MAX);
        let is_ahead = !self.read_to.file.is_empty() && log_place(&self.read_to) > log_place(here);
        if can_start && is_ahead { &self.read_to } else { here }
    }

    /// Takes a statement that ends at `place`.
    pub(crate) fn add(&mut self, place: LogPlace, statement: &str, context: &Context<'_>) {
        if classify(statement) != Statement::Ddl {
            return;
        }
        // Whatever the tables are like that it names: which of them would it change?
        let named = mentions(statement, context);
        let mut model = Model::default();
        for database in &named.databases {
            model.set_database(database, None);
        }
        for (database, table) in &named.tables {
            model.set_table(database, table, Definition::default());
        }
        let effect = model.apply(statement, context);
        if self.tables.len() + self.databases.len() >= NAMES_MAX {
            self.cannot_tell(place);
            return;
        }
        self.tables.extend(effect.tables.into_iter().map(|(name, _)| (name, place)));
        let dropped = effect.databases.into_iter();
        let dropped = dropped.filter(|(_, change)| *change == DatabaseChange::Dropped);
        self.databases.extend(dropped.map(|(name, _)| (name, place)));
    }

    /// What ends at `place` may be a statement about any table.
    pub(crate) fn cannot_tell(&mut self, place: LogPlace) {
        self.any = self.any.max(place);
    }

    /// All statements before `end` were taken.
    pub(crate) fn has_read(&mut self, end: BinlogPosition) {
        self.read_to = end;
    }

    /// Where the last statement ends that names the table, if that is behind `here`: who has read the
    /// statement stands at its end.
    pub(crate) fn names(&self, name: &Name, here: LogPlace) -> Option<LogPlace> {
        let of = |place: Option<&LogPlace>| place.copied().unwrap_or_default();
        let last = of(self.tables.get(name)).max(of(self.databases.get(&name.0))).max(self.any);
        (last > here).then_some(last)
    }
}

/// Where a position stands in the log of its server.
pub(crate) fn log_place(position: &BinlogPosition) -> LogPlace {
    (file_number(&position.file).unwrap_or(0), position.offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ddl::Dialect;

    fn name(database: &str, table: &str) -> Name {
        (database.into(), table.into())
    }

    #[test]
    fn only_statements_that_are_still_ahead_count() {
        let context = Context::new(Dialect::MySql { version: 90_000 }, "shop");
        let mut ahead = Ahead::default();
        ahead.add((1, 100), "ALTER TABLE orders ADD note TEXT", &context);
        ahead.add((1, 200), "TRUNCATE TABLE parts", &context);
        ahead.add((1, 300), "RENAME TABLE old.a TO shop.b", &context);
        ahead.add((2, 50), "DROP DATABASE gone", &context);
        let at = |text| BinlogPosition::parse(text).unwrap();
        for harmless in [
            "CREATE VIEW v AS SELECT * FROM parts",
            "CREATE TRIGGER tr BEFORE INSERT ON parts FOR EACH ROW SET NEW.a = 1",
            "CREATE PROCEDURE p() DROP TABLE parts",
            "ANALYZE TABLE parts",
            "GRANT SELECT ON shop.parts TO x",
            "ALTER DATABASE shop CHARACTER SET latin1",
        ] {
            ahead.add((2, 55), harmless, &context);
        }
        ahead.has_read(at("bin.000002:60"));
        assert_eq!(ahead.names(&name("shop", "orders"), (1, 4)), Some((1, 100)));
        assert_eq!(ahead.names(&name("shop", "orders"), (1, 99)), Some((1, 100)));
        assert_eq!(ahead.names(&name("shop", "orders"), (1, 100)), None);
        assert_eq!(ahead.names(&name("shop", "parts"), (1, 4)), None);
        assert_eq!(ahead.names(&name("old", "a"), (1, 4)), Some((1, 300)));
        assert_eq!(ahead.names(&name("shop", "b"), (1, 4)), Some((1, 300)));
        assert_eq!(ahead.names(&name("gone", "t"), (1, 4)), Some((2, 50)));
        assert_eq!(ahead.names(&name("shop", "t"), (1, 4)), None);
        assert_eq!(*ahead.unread(&at("bin.000001:4")), at("bin.000002:60"));
        assert_eq!(*ahead.unread(&at("bin.000003:4")), at("bin.000003:4"));
    }
}
