//! The privileges that `SHOW GRANTS` lists.

/// Privileges of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Grants {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// Upper case; a privilege on single columns is left out.
    privileges: Vec<String>,
    /// Pattern of the database, as `LIKE` reads it; `None` is every one.
    database: Option<String>,
    /// The table; `None` is every one.
    table: Option<String>,
}

impl Grants {
    /// Reads the lines. Those that are no grant on tables (roles, proxies, revokes) are passed over.
    pub(super) fn parse(lines: &[String]) -> Self {
        Self { entries: lines.iter().filter_map(|line| Entry::parse(line)).collect() }
    }

    /// Whether one of `names` is held for the whole server.
    pub(super) fn has_global(&self, names: &[&str]) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.database.is_none() && names.iter().any(|name| entry.holds(name)))
    }

    /// Whether `name` is held for a table.
    pub(super) fn covers(&self, name: &str, database: &str, table: &str) -> bool {
        self.entries.iter().any(|entry| {
            entry.holds(name)
                && entry.database.as_deref().is_none_or(|pattern| like(pattern, database))
                && entry.table.as_deref().is_none_or(|own| own == table)
        })
    }
}

impl Entry {
    fn parse(line: &str) -> Option<Self> {
        let rest = line.strip_prefix("GRANT ")?;
        let (privileges, rest) = rest.split_once(" ON ")?;
        let rest = rest.strip_prefix("TABLE ").unwrap_or(rest);
        let (database, rest) = identifier(rest)?;
        let (table, _) = identifier(rest.strip_prefix('.')?)?;
        let whole = privileges.split(", ").filter(|name| !name.contains(['(', ')']));
        Some(Self {
            privileges: whole.map(|name| name.trim().to_ascii_uppercase()).collect(),
            database,
            table,
        })
    }

    fn holds(&self, name: &str) -> bool {
        self.privileges.iter().any(|own| own == name || own == "ALL PRIVILEGES" || own == "ALL")
    }
}

/// `*`, or a name between backticks; and what follows it.
fn identifier(text: &str) -> Option<(Option<String>, &str)> {
    if let Some(rest) = text.strip_prefix('*') {
        return Some((None, rest));
    }
    let mut name = String::new();
    let mut rest = text.strip_prefix('`')?;
    loop {
        let (part, after) = rest.split_once('`')?;
        name.push_str(part);
        match after.strip_prefix('`') {
            Some(after) => {
                name.push('`');
                rest = after;
            }
            None => return Some((Some(name), after)),
        }
    }
}

/// `LIKE` of a whole name: `%`, `_`, and a backslash before either.
fn like(pattern: &str, name: &str) -> bool {
    let mut rest = pattern.chars();
    let Some(first) = rest.next() else { return name.is_empty() };
    let tail = rest.as_str();
    let mut left = name.chars();
    match first {
        '%' => {
            like(tail, name)
                || name.char_indices().any(|(at, c)| {
                    name.get(at + c.len_utf8()..).is_some_and(|after| like(tail, after))
                })
        }
        '_' => left.next().is_some() && like(tail, left.as_str()),
        '\\' => rest.next() == left.next() && like(rest.as_str(), left.as_str()),
        literal => left.next() == Some(literal) && like(tail, left.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(lines: &[&str]) -> Grants {
        Grants::parse(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>())
    }

    /// `SHOW GRANTS` of MySQL 9.7 and MariaDB 10.11.
    #[test]
    fn k01_the_spellings_of_both_servers_are_read() {
        let mysql =
            grants(&["GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO `repl`@`%`"]);
        assert!(mysql.has_global(&["REPLICATION SLAVE"]) && mysql.covers("SELECT", "a", "b"));
        let mariadb = grants(&[
            "GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO `repl`@`%` IDENTIFIED BY PASSWORD '*0'",
        ]);
        assert!(mariadb.has_global(&["REPLICATION CLIENT", "BINLOG MONITOR"]));
        assert!(!mariadb.has_global(&["SELECT"]));
        let root = grants(&["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"]);
        assert!(root.has_global(&["REPLICATION SLAVE"]));
    }

    #[test]
    fn k01_grants_on_databases_and_tables_cover_only_those() {
        let some = grants(&[
            "GRANT USAGE ON *.* TO `u`@`%`",
            "GRANT `role`@`%` TO `u`@`%`",
            r"GRANT SELECT, INSERT ON `shop\_%`.* TO `u`@`%`",
            "GRANT SELECT ON `a``b`.`t` TO `u`@`%`",
            "GRANT SELECT (`x`, `y`), INSERT ON `c`.`t` TO `u`@`%`",
        ]);
        assert!(some.covers("SELECT", "shop_eu", "x") && !some.covers("SELECT", "shopXeu", "x"));
        assert!(some.covers("SELECT", "a`b", "t") && !some.covers("SELECT", "a`b", "u"));
        assert!(!some.covers("SELECT", "c", "t") && some.covers("INSERT", "c", "t"));
        assert!(!some.has_global(&["SELECT"]));
    }
}
