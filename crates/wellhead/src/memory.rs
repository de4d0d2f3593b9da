//! How much memory the process may use: what `memory.budget = "auto"` means.
//!
//! The limit is that of the process's control group or of one above it, version 2 or 1
//! (`Documentation/admin-guide/cgroup-v2.rst` and `cgroup-v1/memory.rst` of Linux), else what the machine
//! has. The budget is a quarter of it: the rest is for the page cache, from which consumers are served, for
//! what a task has in hand beside its queues, and for the process itself.

use std::path::{Path, PathBuf};

use crate::config::MemoryBudget;

/// What part of the limit the budget is.
const PART: u64 = 4;
/// The least that is of use.
pub(crate) const BUDGET_MIN: u64 = 8 << 20;
/// Taken where nothing tells how much there is.
const UNKNOWN: u64 = 512 << 20;

/// The bytes of a budget.
pub(crate) fn budget_bytes(configured: MemoryBudget) -> usize {
    let bytes = match configured {
        MemoryBudget::Auto => (limit(Path::new("/")).unwrap_or(UNKNOWN) / PART).max(BUDGET_MIN),
        MemoryBudget::Bytes(bytes) => bytes,
    };
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// The memory that this process may use, by the files below `root`.
fn limit(root: &Path) -> Option<u64> {
    let read = |path: PathBuf| std::fs::read_to_string(path).ok();
    let machine = read(root.join("proc/meminfo")).and_then(|text| total(&text));
    let groups = read(root.join("proc/self/cgroup")).unwrap_or_default();
    groups.lines().filter_map(|line| group_limit(root, line)).chain(machine).min()
}

/// The lowest limit of one group of `/proc/self/cgroup` (`hierarchy:controllers:path`) and of those above
/// it. In a container the path may be one that only its host can see; then the top is what counts.
fn group_limit(root: &Path, line: &str) -> Option<u64> {
    let mut fields = line.splitn(3, ':');
    let (hierarchy, controllers, group) = (fields.next()?, fields.next()?, fields.next()?);
    let (top, file) = if hierarchy == "0" && controllers.is_empty() {
        (root.join("sys/fs/cgroup"), "memory.max")
    } else if controllers.split(',').any(|controller| controller == "memory") {
        (root.join("sys/fs/cgroup/memory"), "memory.limit_in_bytes")
    } else {
        return None;
    };
    let group = Path::new(group.trim_start_matches('/'));
    let limits = group.ancestors().filter_map(|group| {
        let text = std::fs::read_to_string(top.join(group).join(file)).ok()?;
        // "max" is no number and no limit; version 1 has a number near 2^63 for it, which is over what
        // any machine has.
        text.trim().parse().ok()
    });
    limits.min()
}

/// `MemTotal` of `/proc/meminfo`, in bytes.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a system with these files allows.
    fn limit_of(files: &[(&str, &str)]) -> Option<u64> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        limit(root.path())
    }

    const MACHINE: (&str, &str) = ("proc/meminfo", "MemTotal:       16384000 kB\nMemFree:  9 kB\n");
    const MACHINE_BYTES: Option<u64> = Some(16_384_000 << 10);

    #[test]
    fn without_a_group_the_machine_is_the_limit() {
        assert_eq!(limit_of(&[MACHINE]), MACHINE_BYTES);
        assert_eq!(limit_of(&[]), None);
    }

    #[test]
    fn a_group_of_version_two_and_those_above_it_limit() {
        let own = ("proc/self/cgroup", "0::/system.slice/wellhead.service\n");
        let max = ("sys/fs/cgroup/system.slice/wellhead.service/memory.max", "max\n");
        assert_eq!(limit_of(&[MACHINE, own, max]), MACHINE_BYTES);
        let above = ("sys/fs/cgroup/system.slice/memory.max", "1073741824\n");
        assert_eq!(limit_of(&[MACHINE, own, max, above]), Some(1 << 30));
    }

    #[test]
    fn a_container_sees_its_limit_at_the_top() {
        let own = ("proc/self/cgroup", "0::/../../kubepods/pod1/c1\n");
        let top = ("sys/fs/cgroup/memory.max", "268435456\n");
        assert_eq!(limit_of(&[MACHINE, own, top]), Some(256 << 20));
    }

    #[test]
    fn a_group_of_version_one_limits_and_its_highest_number_does_not() {
        let own = ("proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/docker/c1\n");
        let file = "sys/fs/cgroup/memory/docker/c1/memory.limit_in_bytes";
        assert_eq!(limit_of(&[MACHINE, own, (file, "536870912\n")]), Some(512 << 20));
        assert_eq!(limit_of(&[MACHINE, own, (file, "9223372036854771712\n")]), MACHINE_BYTES);
    }

    #[test]
    fn the_budget_is_a_quarter_or_what_was_written() {
        let auto = budget_bytes(MemoryBudget::Auto);
        assert!(auto >= 8 << 20);
        assert_eq!(budget_bytes(MemoryBudget::Bytes(64 << 20)), 64 << 20);
    }
}
