//! How many files and sockets the process may have open at once (`RLIMIT_NOFILE`).
//!
//! The soft limit is low by custom, for programs that use `select`; a server raises it to the hard one
//! (`systemd.exec(5)`, `LimitNOFILE=`). What is still too low is told at the start, not found out by the
//! client that cannot connect.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files of the process itself: the catalog, the runtime, listeners, the log lines.
const OWN: u64 = 64;
/// Files of a running task: its log's segment and lock, its source's connections, one file for each of a
/// few indexes and old segments that are looked at for a moment.
const PER_TASK: u64 = 12;

/// Raises the soft limit as far as it goes; answers what holds then, `None` for no limit.
pub(crate) fn raise() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::debug!(%error, "the limit of open files stays as it is");
            limit.current
        }
    }
}

/// What to tell if so many open files are too few.
pub(crate) fn shortage(limit: Option<u64>, connections: usize, tasks: usize) -> Option<String> {
    let per_task = PER_TASK.saturating_mul(tasks as u64);
    let wanted = OWN.saturating_add(connections as u64).saturating_add(per_task);
    let limit = limit.filter(|limit| *limit < wanted)?;
    Some(format!(
        "at most {limit} files may be open, and {tasks} tasks with {connections} kafka connections may need \
         {wanted}; raise the hard limit (ulimit -Hn, LimitNOFILE=), or lower kafka.limits.connections"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let limit = raise();
        assert_eq!(limit, getrlimit(Resource::Nofile).current);
        assert_eq!(limit, getrlimit(Resource::Nofile).maximum);
    }

    #[test]
    fn too_few_files_are_told_with_what_is_wanted() {
        assert_eq!(shortage(None, 2_000, 1_000), None);
        assert_eq!(shortage(Some(20_000), 2_000, 1_000), None);
        let told = shortage(Some(4_096), 2_000, 1_000).unwrap();
        assert!(told.starts_with("at most 4096 files may be open"), "{told}");
        assert!(told.contains("14064"), "{told}");
    }
}
