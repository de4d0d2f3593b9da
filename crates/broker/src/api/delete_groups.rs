//! DeleteGroups: forgets what a group has committed, once it has no members. Its account stays: that is
//! deleted by the API.

use std::collections::HashSet;
use std::sync::Arc;

use catalog::Catalog;
use change::GroupId;
use kafka::ErrorCode;
use kafka::messages::{DeleteGroupsRequest, DeleteGroupsResponse, DeletedGroup};

use super::{Answer, Call, first_error};
use crate::error::ConnectionError;
use crate::groups::Groups;
use crate::shared::Shared;

pub(super) async fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &DeleteGroupsRequest<'_>,
) -> Result<Answer, ConnectionError> {
    let asked: Vec<Result<GroupId, ErrorCode>> =
        request.groups_names.iter().map(|name| call.principal.group(name)).collect();
    let (groups, catalog) = (Arc::clone(&broker.groups), broker.catalog.clone());
    let deleted = tokio::task::spawn_blocking(move || delete_all(&groups, &catalog, asked)).await;
    let failed = std::iter::repeat(ErrorCode::UnknownServerError);
    let errors = deleted.unwrap_or_default().into_iter().chain(failed);
    let results = request.groups_names.iter().zip(errors);
    let results: Vec<_> =
        results.map(|(group_id, error)| DeletedGroup { group_id, error }).collect();
    let error = first_error(results.iter().map(|result| result.error));
    call.answer(error, DeleteGroupsResponse { results, ..Default::default() })
}

/// One error for each group. Blocks.
fn delete_all(
    groups: &Groups,
    catalog: &Catalog,
    asked: Vec<Result<GroupId, ErrorCode>>,
) -> Vec<ErrorCode> {
    let committed = catalog.committed_groups();
    let mut committed: HashSet<GroupId> = match committed {
        Ok(committed) => committed.into_iter().collect(),
        Err(error) => return vec![unavailable(&error); asked.len()],
    };
    let mut delete = |group: GroupId| {
        let known = committed.remove(&group) || groups.describe(&group).is_some();
        if !known {
            return ErrorCode::GroupIdNotFound;
        }
        match groups.dismiss(&group, || catalog.clear_group(&group)) {
            Ok(Ok(())) => ErrorCode::None,
            Ok(Err(error)) => unavailable(&error),
            Err(_) => ErrorCode::NonEmptyGroup,
        }
    };
    asked.into_iter().map(|group| group.map_or_else(|error| error, &mut delete)).collect()
}

fn unavailable(error: &catalog::Error) -> ErrorCode {
    tracing::error!(%error, "groups cannot be deleted");
    ErrorCode::CoordinatorNotAvailable
}
