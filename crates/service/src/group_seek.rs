//! `/tasks/{t}/groups/{g}/seek`: puts a consumer group at another place of its topic.
//!
//! The checkpoint is written as its clients write theirs: the offset, and the source second as metadata,
//! by which the official DTS clients find their place. A member would overwrite it at its next commit, so
//! it is refused while there are members, or (with `force`) they are sent away, join again and go on at
//! the new place. Clients that only commit and never join cannot be seen: they must be stopped.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use broker::GroupView;
use catalog::CommittedOffset;
use change::{TaskName, UnixTime};
use log::Reader;
use serde::{Deserialize, Serialize};
use task::records::Place;
use utoipa::ToSchema;

use crate::app::{App, blocking};
use crate::audit::Detail;
use crate::choices::{DryRun, dry_run};
use crate::model::rfc3339;
use crate::place;
use crate::problem::{Code, Problem};
use crate::standing::{Log, members};
use crate::tasks::malformed;

/// `POST /tasks/{t}/groups/{g}/seek`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupSeek {
    /// Where to: `start`, `end`, `now`, `+N` (behind the start), `-N` (before the end), an offset,
    /// `@1712905965`, `@2026-11-21T04:00:00Z`, `@-1h`, or `checkpoint`, where it stands.
    pub to: String,
    /// Send members away, which join again and go on there.
    #[serde(default)]
    pub force: bool,
    /// Answer what would be done, and do nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// What a seek did, or would do.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GroupSought {
    /// The group.
    pub name: String,
    /// What its clients give as `group.id`.
    pub group_id: String,
    /// By tablet, where it stood and where it stands then.
    pub tablets: Vec<TabletSeek>,
    /// Members that were sent away, or would be.
    pub members: usize,
    /// Whether nothing was done.
    pub dry_run: bool,
}

/// A seek in one partition of the topic.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TabletSeek {
    /// Its number.
    pub tablet: i32,
    /// Where the group stood; null if it never committed.
    pub from: Option<PlaceView>,
    /// Where it stands then.
    pub to: PlaceView,
}

/// A place in a topic, as an offset and as a time.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PlaceView {
    /// The offset.
    pub offset: i64,
    /// Source time of the record there; null behind the last record, and where it has left the topic.
    pub time: Option<String>,
    /// The same in seconds since the epoch.
    pub time_unix: Option<i64>,
}

/// The one partition of a topic.
const TABLET: i32 = 0;
/// The epoch of a commit by nobody who has read.
const NO_EPOCH: i32 = -1;
/// Addresses that are named of members who are in the way.
const ADDRESSES_MAX: usize = 5;

/// Puts a group at another place of its topic.
#[utoipa::path(post, path = "/api/v1/tasks/{task}/groups/{group}/seek", tag = "groups",
    params(("task" = String, Path), ("group" = String, Path), DryRun), request_body = GroupSeek,
    responses((status = 200, body = GroupSought), (status = 404, body = Problem),
        (status = 409, description = "the group has members", body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn seek(
    State(app): State<App>,
    Path((task, name)): Path<(String, String)>,
    query: Result<Query<DryRun>, QueryRejection>,
    body: Result<Json<GroupSeek>, JsonRejection>,
) -> Result<Response, Problem> {
    let planned = dry_run(query)?;
    let Json(asked) = body.map_err(|rejection| malformed(&rejection))?;
    let asked = GroupSeek { dry_run: planned || asked.dry_run, ..asked };
    let task = TaskName::new(task)?;
    blocking(move || {
        let group = app.catalog.group(&task, &name)?.ok_or_else(|| {
            Problem::new(Code::NotFound, format!("task {task} has no group {name:?}"))
        })?;
        let sought = moved(&app, &group, &asked)?;
        let mut response = Json(&sought).into_response();
        response.extensions_mut().insert(Detail(told(&sought)));
        Ok(response)
    })
    .await
}

fn moved(app: &App, group: &catalog::Group, asked: &GroupSeek) -> Result<GroupSought, Problem> {
    let reader = app.tasks.reader(&group.task)?;
    let log = Log::of(app, &group.task);
    let committed = app.catalog.committed_offsets(&group.id)?;
    let stood = committed
        .into_iter()
        .find(|offset| offset.topic == group.topic && offset.partition == TABLET)
        .map(|offset| offset.offset);
    let to = target(&reader, stood, &asked.to, app.clock.now())?;
    let offset = commit_at(app, group, &log, to);
    let living = app.groups.describe(&group.id).map_or(0, |view| view.members.len());
    if !asked.dry_run {
        let keep = || app.catalog.commit_offsets(&group.id, &[offset]);
        let kept = app.groups.intervene(&group.id, asked.force, keep);
        kept.map_err(|view| in_the_way(&group.name, &view))??;
    }
    let view = |offset: i64| {
        let time_unix = log.time_at(offset);
        PlaceView { offset, time: time_unix.map(rfc3339), time_unix }
    };
    Ok(GroupSought {
        name: group.name.clone(),
        group_id: group.id.to_string(),
        tablets: vec![TabletSeek { tablet: TABLET, from: stood.map(view), to: view(to) }],
        members: living,
        dry_run: asked.dry_run,
    })
}

/// The offset that is meant, which must be in the topic or right behind it.
fn target(reader: &Reader, stood: Option<i64>, text: &str, now: UnixTime) -> Result<i64, Problem> {
    let refused = |detail: String| Problem::invalid("/to", detail);
    let offset = match text {
        "checkpoint" => stood.ok_or_else(|| {
            refused("the group has committed nothing yet, so it has no checkpoint".into())
        })?,
        _ => {
            let place: Place = place::parse(text, now).map_err(|error| refused(error.detail))?;
            let found = place.offset(reader);
            found.map_err(|error| crate::problem::internal_logged(Code::Internal, &error))?.0
        }
    };
    let (start, end) = (reader.log_start_offset().0, reader.high_watermark().0);
    if !(start..=end).contains(&offset) {
        return Err(refused(format!(
            "the topic holds offsets {start} to {end}, and {offset} is not among them"
        )));
    }
    Ok(offset)
}

/// The checkpoint, as a DTS client would write it.
fn commit_at(app: &App, group: &catalog::Group, log: &Log, offset: i64) -> CommittedOffset {
    let now = app.clock.now();
    let seconds = log.time_at(offset).unwrap_or_else(|| now.seconds());
    CommittedOffset {
        topic: group.topic.clone(),
        partition: TABLET,
        offset,
        leader_epoch: NO_EPOCH,
        metadata: seconds.to_string(),
        committed_at: now,
    }
}

fn in_the_way(name: &str, view: &GroupView) -> Problem {
    let members = members(view);
    let addresses = members.iter().map(|member| member.address.as_str());
    let mut shown: Vec<_> = addresses.take(ADDRESSES_MAX).collect();
    if members.len() > ADDRESSES_MAX {
        shown.push("...");
    }
    let count = match members.len() {
        1 => "1 live member".into(),
        count => format!("{count} live members"),
    };
    let detail = format!(
        "group {name} has {count} ({}); seeking now would be overwritten. Stop them, or use --force.",
        shown.join(", ")
    );
    Problem::new(Code::WrongState, detail)
}

/// For the audit trail.
fn told(sought: &GroupSought) -> String {
    if sought.dry_run {
        return "dry run, nothing was done".into();
    }
    let tablet = |seek: &TabletSeek| match &seek.from {
        Some(from) => format!("offset {} to {}", from.offset, seek.to.offset),
        None => format!("to offset {}", seek.to.offset),
    };
    let tablets: Vec<_> = sought.tablets.iter().map(tablet).collect();
    match sought.members {
        0 => tablets.join(", "),
        members => format!("{}, {members} members sent away", tablets.join(", ")),
    }
}
