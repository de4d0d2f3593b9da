//! The plans of the tables that were seen lately.

use std::collections::HashMap;

use change::{SchemaVersion, TableSchema};

use crate::plan::TablePlan;

/// Plans by table version, bounded in bytes; the least recently used go first.
///
/// The table of the row before is found without a lookup, so use is noted only when the table changes.
#[derive(Debug)]
pub(crate) struct Plans {
    slots: Vec<Slot>,
    /// Index into `slots` of every version there.
    by_version: HashMap<SchemaVersion, usize>,
    /// Index of the slot used last.
    current: usize,
    /// Grows with every change of table.
    turn: u64,
    /// Sum of the plans' sizes.
    size: usize,
    /// What `size` may reach before plans go; the one in use stays however large it is.
    size_max: usize,
}

#[derive(Debug)]
struct Slot {
    version: SchemaVersion,
    plan: TablePlan,
    size: usize,
    used: u64,
}

impl Plans {
    pub(crate) fn new(size_max: usize) -> Self {
        let by_version = HashMap::new();
        Self { slots: Vec::new(), by_version, current: 0, turn: 0, size: 0, size_max }
    }

    /// The plan of a table version, made now if it is not there.
    pub(crate) fn plan(&mut self, schema: &TableSchema) -> &TablePlan {
        if self.slots.get(self.current).is_none_or(|slot| slot.version != schema.version) {
            self.turn += 1;
            self.current = match self.by_version.get(&schema.version) {
                Some(index) => *index,
                None => self.add(schema),
            };
            if let Some(slot) = self.slots.get_mut(self.current) {
                slot.used = self.turn;
            }
        }
        &self.slots.get(self.current).expect("the current slot was just found or added").plan
    }

    fn add(&mut self, schema: &TableSchema) -> usize {
        let plan = TablePlan::new(schema);
        let size = plan.size();
        while self.size + size > self.size_max && self.evict() {}
        let index = self.slots.len();
        self.by_version.insert(schema.version, index);
        self.slots.push(Slot { version: schema.version, plan, size, used: self.turn });
        self.size += size;
        index
    }

    /// Drops the least recently used plan; false if there is none.
    fn evict(&mut self) -> bool {
        let oldest = self.slots.iter().enumerate().min_by_key(|(_, slot)| slot.used);
        let Some((index, _)) = oldest else {
            return false;
        };
        let dropped = self.slots.swap_remove(index);
        self.size -= dropped.size;
        self.by_version.remove(&dropped.version);
        if let Some(moved) = self.slots.get(index) {
            self.by_version.insert(moved.version, index);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::table;

    #[test]
    fn the_least_recently_used_plans_go_when_there_are_too_many_bytes() {
        let tables: Vec<_> = (0..50).map(|n| table(&format!("t{n:02}"), vec![], vec![])).collect();
        let one = TablePlan::new(&tables[0]).size();
        let mut plans = Plans::new(one * 10);
        for schema in &tables {
            plans.plan(&tables[0]);
            assert_eq!(plans.plan(schema).object, TablePlan::new(schema).object);
            assert!(plans.size <= plans.size_max);
            assert_eq!(plans.slots.len(), plans.by_version.len());
        }
        assert!(plans.by_version.contains_key(&tables[0].version), "it was used all the time");
        assert!(plans.by_version.contains_key(&tables[49].version));
        assert!(!plans.by_version.contains_key(&tables[1].version));
        for slot in &plans.slots {
            let index = plans.by_version[&slot.version];
            assert_eq!(plans.slots[index].version, slot.version);
        }
    }

    #[test]
    fn a_table_larger_than_the_bound_still_has_a_plan() {
        let mut plans = Plans::new(1);
        for name in ["a", "b", "a"] {
            let schema = table(name, vec![], vec![]);
            assert_eq!(plans.plan(&schema).object, TablePlan::new(&schema).object);
            assert_eq!(plans.slots.len(), 1);
        }
    }
}
