//! Where a consumer group stands: its checkpoint as a time, how far behind it is, and who is in it.

use broker::{GroupView, MemberView};
use catalog::CommittedOffset;
use change::TaskName;
use log::{Offset, Reader};
use task::records;

use crate::app::App;
use crate::model::{Checkpoint, Group, GroupMember, rfc3339};
use crate::problem::Problem;

/// What is known of a task's log, asked once for all of its groups.
#[derive(Debug)]
pub(crate) struct Log {
    /// `None` while it cannot be read.
    reader: Option<Reader>,
    retention_seconds: Option<i64>,
}

impl Log {
    /// The log of a task.
    pub(crate) fn of(app: &App, task: &TaskName) -> Self {
        let retention = app.tasks.retention(task).ok().flatten();
        Self {
            reader: app.tasks.reader(task).ok(),
            retention_seconds: retention.and_then(|age| i64::try_from(age.as_secs()).ok()),
        }
    }

    /// Source time of the record at `offset` in seconds; `None` where there is none.
    pub(crate) fn time_at(&self, offset: i64) -> Option<i64> {
        let reader = self.reader.as_ref()?;
        let offset = Offset(offset);
        if offset < reader.log_start_offset() || offset >= reader.high_watermark() {
            return None;
        }
        let found = records::time_at(reader, offset);
        // A damaged record is told by those who look at records; here its time is not known.
        found.ok().flatten().map(|ms| ms.div_euclid(1_000))
    }

    /// Records from `offset` to the end.
    fn records_behind(&self, offset: i64) -> Option<i64> {
        let end = self.reader.as_ref()?.high_watermark();
        Some(end.0.saturating_sub(offset).max(0))
    }

    /// Seconds from a record at `time` to the newest one.
    fn seconds_behind(&self, offset: i64, time: Option<i64>) -> Option<i64> {
        let reader = self.reader.as_ref()?;
        if offset >= reader.high_watermark().0 {
            return Some(0);
        }
        let newest = reader.data_range()?.last_ms.div_euclid(1_000);
        Some(newest.saturating_sub(time?).max(0))
    }

    /// Seconds until a record at `time` leaves the log.
    fn expires_in(&self, offset: i64, time: Option<i64>, now: i64) -> Option<i64> {
        let (reader, retention) = (self.reader.as_ref()?, self.retention_seconds?);
        if offset < reader.log_start_offset().0 {
            return Some(0);
        }
        let time = match time {
            Some(time) => time,
            None if offset >= reader.high_watermark().0 => now,
            None => return None,
        };
        Some(time.saturating_add(retention).saturating_sub(now).max(0))
    }
}

/// A group as the API shows it.
pub(crate) fn shown(app: &App, group: catalog::Group, log: &Log) -> Result<Group, Problem> {
    let committed = app.catalog.committed_offsets(&group.id)?;
    let committed = committed.into_iter().find(|offset| offset.topic == group.topic);
    let at = committed.as_ref().map(|at| (at.offset, log.time_at(at.offset)));
    let now = app.clock.now().seconds();
    let view = app.groups.describe(&group.id);
    let user = group.user();
    Ok(Group {
        task: group.task.to_string(),
        name: group.name,
        group_id: group.id.to_string(),
        user,
        checkpoint: committed.map(|committed| checkpoint(committed, at.and_then(|(_, time)| time))),
        lag_records: at.and_then(|(offset, _)| log.records_behind(offset)),
        lag_seconds: at.and_then(|(offset, time)| log.seconds_behind(offset, time)),
        expires_in: at.and_then(|(offset, time)| log.expires_in(offset, time, now)),
        state: view.as_ref().map(|view| view.state.as_str().into()),
        members: view.as_ref().map(members).unwrap_or_default(),
        fetch_bytes_per_second: group.fetch_rate,
        owner: group.owner,
    })
}

/// The members of a group, for people.
pub(crate) fn members(view: &GroupView) -> Vec<GroupMember> {
    let member = |member: &MemberView| GroupMember {
        member_id: member.member_id.to_string(),
        instance_id: member.instance_id.clone(),
        client_id: member.client_id.clone(),
        address: address(&member.client_host).to_owned(),
        leads: member.leads,
    };
    view.members.iter().map(member).collect()
}

fn checkpoint(committed: CommittedOffset, time: Option<i64>) -> Checkpoint {
    Checkpoint {
        offset: committed.offset,
        metadata: committed.metadata,
        committed_at: rfc3339(committed.committed_at.seconds()),
        time: time.map(rfc3339),
        time_unix: time,
    }
}

/// Without the slash that Kafka puts before it.
fn address(client_host: &str) -> &str {
    client_host.strip_prefix('/').unwrap_or(client_host)
}
