//! Which tables a task tracks.

/// Patterns of tables to track, as `database.table`, where `*` stands for any run of characters and
/// everything else for itself (`_` and `%` too).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
    /// Databases of the server itself.
    reserved: Vec<String>,
}

/// A pattern that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("table pattern {0:?} must be database.table, like shop.* or shop.order_*")]
pub struct SelectionError(pub String);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    database: String,
    table: String,
}

impl Selection {
    /// Parses patterns; an empty `include` tracks nothing.
    ///
    /// # Errors
    /// The first pattern that has no dot, or an empty side.
    pub fn new<S: AsRef<str>>(include: &[S], exclude: &[S]) -> Result<Self, SelectionError> {
        let parse = |patterns: &[S]| -> Result<Vec<Pattern>, SelectionError> {
            patterns.iter().map(|p| Pattern::parse(p.as_ref())).collect()
        };
        Ok(Self { include: parse(include)?, exclude: parse(exclude)?, reserved: Vec::new() })
    }

    /// Takes these databases for the server's own: only a pattern that names one without a star tracks its
    /// tables.
    #[must_use]
    pub fn reserving(mut self, databases: &[&str]) -> Self {
        self.reserved = databases.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Whether rows of this table are tracked.
    #[must_use]
    pub fn tracks(&self, database: &str, table: &str) -> bool {
        let hit = |pattern: &Pattern| {
            matches(&pattern.database, database) && matches(&pattern.table, table)
        };
        self.include.iter().any(|p| hit(p) && self.may_name(p, database))
            && !self.exclude.iter().any(hit)
    }

    /// Whether any table of this database could be tracked.
    #[must_use]
    pub fn touches(&self, database: &str) -> bool {
        self.include.iter().any(|p| matches(&p.database, database) && self.may_name(p, database))
    }

    /// Whether the pattern may stand for this database.
    fn may_name(&self, pattern: &Pattern, database: &str) -> bool {
        pattern.database == database || !self.reserved.iter().any(|name| name == database)
    }
}

impl Pattern {
    /// The dot that splits is the first one, so a table may be named with dots.
    fn parse(text: &str) -> Result<Self, SelectionError> {
        match text.split_once('.') {
            Some((database, table)) if !database.is_empty() && !table.is_empty() => {
                Ok(Self { database: database.into(), table: table.into() })
            }
            _ => Err(SelectionError(text.into())),
        }
    }
}

/// Wildcard match by greedy backtracking to the last `*`: linear space, no recursion.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, n));
                p += 1;
            }
            Some(byte) if name.get(n) == Some(byte) => {
                p += 1;
                n += 1;
            }
            _ => match retry {
                Some((after_star, taken)) => {
                    p = after_star;
                    n = taken + 1;
                    retry = Some((after_star, n));
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k09_prefixes_and_like_wildcards_are_literal() {
        let s = Selection::new(&["foo.*", "a_b.t%"], &["foo.tmp_*"]).unwrap();
        assert!(s.tracks("foo", "t") && !s.tracks("foobar", "t"));
        assert!(s.tracks("a_b", "t%") && !s.tracks("axb", "t%") && !s.tracks("a_b", "tt"));
        assert!(!s.tracks("foo", "tmp_1") && s.tracks("foo", "tmp"));
    }

    #[test]
    fn a23_the_servers_own_databases_are_tracked_only_by_their_name() {
        let all = Selection::new(&["*.*"], &[]).unwrap().reserving(&["mysql", "sys"]);
        assert!(all.tracks("shop", "t") && all.touches("shop"));
        assert!(!all.tracks("mysql", "rds_heartbeat2") && !all.touches("sys"));
        let named = Selection::new(&["mysql.*", "s*.*"], &["mysql.slow_*"]).unwrap();
        let named = named.reserving(&["mysql", "sys"]);
        assert!(named.tracks("mysql", "user") && !named.tracks("mysql", "slow_log"));
        assert!(named.tracks("shop", "t") && !named.tracks("sys", "t"));
    }

    #[test]
    fn stars_match_any_run() {
        assert!(matches("*", "") && matches("a*b*c", "a__b_bc") && !matches("a*b", "acbd"));
        assert!(matches("**", "x") && !matches("", "x") && matches("", ""));
    }

    #[test]
    fn a_pattern_needs_both_sides() {
        assert!(Selection::new(&["shop"], &[]).is_err());
        assert!(Selection::new(&["shop."], &[]).is_err());
        assert!(Selection::new(&["shop.a.b"], &[]).unwrap().tracks("shop", "a.b"));
    }
}
