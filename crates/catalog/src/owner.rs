//! Objects that a configuration file owns, and what becomes of them when the file owns them no longer.

use rusqlite::Transaction;

use crate::{Catalog, Result};

/// Which objects a configuration file has, by name.
#[derive(Debug, Clone, Default)]
pub struct Owned {
    /// Its sources.
    pub sources: Vec<String>,
    /// Its tasks.
    pub tasks: Vec<String>,
    /// Its groups: task and name.
    pub groups: Vec<(String, String)>,
}

impl Catalog {
    /// Frees objects that a file once owned and that are not in it any more, so that they can be changed
    /// and deleted by anybody. Nothing else about them changes. Answers them in words, like `task shop`.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub fn release_orphans(&self, owned: &Owned) -> Result<Vec<String>> {
        self.write(|transaction| {
            let mut released = Vec::new();
            for source in owned_names(transaction, "sources")? {
                if !owned.sources.contains(&source) {
                    transaction
                        .execute("UPDATE sources SET owner = NULL WHERE name = ?1", [&source])?;
                    released.push(format!("source {source}"));
                }
            }
            for task in owned_names(transaction, "tasks")? {
                if !owned.tasks.contains(&task) {
                    transaction
                        .execute("UPDATE tasks SET owner = NULL WHERE name = ?1", [&task])?;
                    released.push(format!("task {task}"));
                }
            }
            for group in owned_groups(transaction)? {
                if !owned.groups.contains(&group) {
                    let (task, name) = group;
                    transaction.execute(
                        "UPDATE groups SET owner = NULL WHERE task = ?1 AND name = ?2",
                        [&task, &name],
                    )?;
                    released.push(format!("group {name} of task {task}"));
                }
            }
            Ok(released)
        })
    }
}

/// The table's name is one of ours, never a text from outside.
fn owned_names(transaction: &Transaction<'_>, table: &'static str) -> Result<Vec<String>> {
    let sql = format!("SELECT name FROM {table} WHERE owner IS NOT NULL ORDER BY name");
    let mut statement = transaction.prepare(&sql)?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

fn owned_groups(transaction: &Transaction<'_>) -> Result<Vec<(String, String)>> {
    let sql = "SELECT task, name FROM groups WHERE owner IS NOT NULL ORDER BY task, name";
    let mut statement = transaction.prepare(sql)?;
    let groups = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(groups.collect::<rusqlite::Result<_>>()?)
}
