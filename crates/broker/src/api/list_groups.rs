//! ListGroups: the groups that the caller may use, those included that have only committed.

use std::collections::BTreeMap;

use change::GroupId;
use kafka::ErrorCode;
use kafka::messages::{ListGroupsRequest, ListGroupsResponse, ListedGroup};

use super::{Answer, Call};
use crate::coordinator::{GroupKind, GroupOverview, GroupState};
use crate::error::ConnectionError;
use crate::shared::Shared;

pub(super) async fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &ListGroupsRequest<'_>,
) -> Result<Answer, ConnectionError> {
    let known = match known(broker).await {
        Ok(known) => known,
        Err(error) => {
            return call.answer(error, ListGroupsResponse { error, ..Default::default() });
        }
    };
    let wanted = |(id, overview): &(&GroupId, &GroupOverview)| {
        call.principal.group(id.as_str()).is_ok()
            && passes(&request.states_filter, overview.state.as_str())
            && passes(&request.types_filter, overview.kind.as_str())
    };
    let groups = known.iter().filter(wanted).map(listed).collect();
    call.answer(ErrorCode::None, ListGroupsResponse { groups, ..Default::default() })
}

fn listed<'m>((id, overview): (&'m GroupId, &'m GroupOverview)) -> ListedGroup<'m> {
    ListedGroup {
        group_id: id.as_str(),
        protocol_type: &overview.protocol_type,
        group_state: overview.state.as_str(),
        group_type: overview.kind.as_str(),
    }
}

/// All groups by id: those with members or a past, and those that only have committed.
async fn known(broker: &Shared) -> Result<BTreeMap<GroupId, GroupOverview>, ErrorCode> {
    let catalog = broker.catalog.clone();
    let committed = match tokio::task::spawn_blocking(move || catalog.committed_groups()).await {
        Ok(Ok(committed)) => committed,
        Ok(Err(error)) => {
            tracing::error!(%error, "the groups that have committed cannot be read");
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        Err(_) => return Err(ErrorCode::UnknownServerError),
    };
    let silent = GroupOverview {
        kind: GroupKind::Classic,
        state: GroupState::Empty,
        protocol_type: String::new(),
    };
    let mut known: BTreeMap<_, _> =
        committed.into_iter().map(|group| (group, silent.clone())).collect();
    known.extend(broker.groups.overviews());
    Ok(known)
}

/// An empty filter lets everything pass; letters count in either case.
fn passes(filter: &[&str], word: &str) -> bool {
    filter.is_empty() || filter.iter().any(|wanted| wanted.eq_ignore_ascii_case(word))
}
