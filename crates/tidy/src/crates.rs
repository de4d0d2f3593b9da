//! The table of crates in `ARCHITECTURE.md` against the edges that cargo knows.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// One row of the table, or one crate of the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Room {
    /// Higher floors may use lower ones; the same floor may not.
    pub floor: u32,
    /// The crates of ours that it uses.
    pub uses: BTreeSet<String>,
}

/// Rooms by the name under which code refers to them.
pub type Rooms = BTreeMap<String, Room>;

/// Reads the table: rows of `| floor | `crate` | is | may use | ... |`.
#[must_use]
pub fn table(page: &str) -> Rooms {
    let mut rooms = Rooms::new();
    for line in page.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [floor, name, _, uses, ..] = cells.as_slice() else { continue };
        let Ok(floor) = floor.parse() else { continue };
        let uses = uses.split('`').skip(1).step_by(2).map(String::from).collect();
        rooms.insert(name.trim_matches('`').into(), Room { floor, uses });
    }
    rooms
}

/// Reads the edges from `cargo metadata --no-deps`. Dependencies of tests alone do not count.
#[must_use]
pub fn edges(metadata: &Value) -> Rooms {
    let packages = || metadata["packages"].as_array().into_iter().flatten();
    // A package may be called otherwise than its library, where crates.io knows the short name.
    let names: BTreeMap<&str, &str> = packages()
        .filter_map(|package| {
            let name = package["name"].as_str()?;
            let mut targets = package["targets"].as_array()?.iter();
            let library = targets.find(|target| target["kind"] == serde_json::json!(["lib"]));
            Some((name, library.and_then(|target| target["name"].as_str()).unwrap_or(name)))
        })
        .collect();
    let mut rooms = Rooms::new();
    for package in packages() {
        let Some(name) = package["name"].as_str().and_then(|name| names.get(name)) else {
            continue;
        };
        let uses = package["dependencies"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|dependency| dependency["kind"].is_null())
            .filter_map(|dependency| names.get(dependency["name"].as_str()?))
            .map(ToString::to_string)
            .collect();
        rooms.insert((*name).into(), Room { floor: 0, uses });
    }
    rooms
}

/// Complaints about edges that the table does not allow, allowed edges that nobody uses, and arrows that
/// do not point down. `outside` names crates that are no rooms.
#[must_use]
pub fn compare(table: &Rooms, edges: &Rooms, outside: &[&str]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (name, room) in edges {
        if outside.contains(&name.as_str()) {
            continue;
        }
        let Some(allowed) = table.get(name) else {
            complaints.push(format!("crate {name} has no row in the table of ARCHITECTURE.md"));
            continue;
        };
        for used in room.uses.difference(&allowed.uses) {
            complaints.push(format!(
                "{name} uses {used}, which ARCHITECTURE.md does not allow. A crate exists because something \
                 must not see something else: move the code, or argue for the new edge in docs/decisions"
            ));
        }
        for unused in allowed.uses.difference(&room.uses) {
            complaints.push(format!(
                "ARCHITECTURE.md lets {name} use {unused}, but it does not: narrow the row"
            ));
        }
    }
    for (name, room) in table {
        if !edges.contains_key(name) {
            complaints
                .push(format!("ARCHITECTURE.md describes a crate {name} that does not exist"));
        }
        for used in &room.uses {
            if table.get(used).is_none_or(|other| other.floor >= room.floor) {
                complaints
                    .push(format!("the arrow from {name} to {used} does not point down a floor"));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
| floor | crate | is | may use (ours) | only here |
|---|---|---|---|---|
| 0 | `change` | words | – | |
| 1 | `record` | bytes | `change` | |
";

    fn metadata(record_uses: &str) -> Rooms {
        edges(&serde_json::json!({"packages": [
            {"name": "change", "targets": [{"kind": ["lib"], "name": "change"}], "dependencies": []},
            {"name": "wellhead-record", "targets": [{"kind": ["lib"], "name": "record"}], "dependencies": [
                {"name": record_uses, "kind": null},
                {"name": "wellhead-record", "kind": "dev"},
                {"name": "serde", "kind": null}]},
        ]}))
    }

    #[test]
    fn equal_tables_have_no_complaints() {
        assert_eq!(compare(&table(PAGE), &metadata("change"), &[]), [""; 0]);
    }

    #[test]
    fn a_missing_and_an_unused_edge_are_seen() {
        let unused = compare(&table(PAGE), &metadata("serde"), &[]);
        assert!(unused.len() == 1 && unused[0].contains("narrow the row"), "{unused:?}");
        let narrow = PAGE.replace("| bytes | `change` |", "| bytes | – |");
        let extra = compare(&table(&narrow), &metadata("change"), &[]);
        assert!(extra.len() == 1 && extra[0].contains("record uses change"), "{extra:?}");
    }

    #[test]
    fn an_arrow_on_the_same_floor_is_seen() {
        let flat = PAGE.replace("| 1 |", "| 0 |");
        assert!(compare(&table(&flat), &metadata("change"), &[])[0].contains("point down"));
    }

    #[test]
    fn a_crate_without_a_row_is_seen_unless_it_is_no_room() {
        let short: String = PAGE.lines().take(3).map(|line| format!("{line}\n")).collect();
        assert_eq!(compare(&table(&short), &metadata("change"), &[]).len(), 1);
        assert!(compare(&table(&short), &metadata("change"), &["record"]).is_empty());
        assert_eq!(compare(&table(PAGE), &Rooms::new(), &[]).len(), 2);
    }
}
