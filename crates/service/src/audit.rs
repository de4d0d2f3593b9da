//! The audit trail: every call that may change something is kept, with who made it and how it ended.
//!
//! Bodies are not kept, so no secret can be.

use axum::extract::{Extension, MatchedPath, RawPathParams, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

use crate::access::Actor;
use crate::app::{App, blocking};

/// What a handler tells the trail of an act, beside its answer. Holds no secrets.
#[derive(Debug, Clone)]
pub(crate) struct Detail(pub(crate) String);

/// Lets a call pass, and keeps what it was.
pub(crate) async fn keep(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    matched: MatchedPath,
    names: RawPathParams,
    request: Request,
    next: Next,
) -> Response {
    let method = request.method().clone();
    if method.is_safe() {
        return next.run(request).await;
    }
    let target = target(names.iter());
    let action = action(&method, matched.as_str());
    let response = next.run(request).await;
    let mut detail = format!("answered {}", response.status().as_u16());
    if let Some(Detail(told)) = response.extensions().get()
        && !told.is_empty()
    {
        detail = format!("{detail}: {told}");
    }
    let kept =
        blocking(move || Ok(app.catalog.append_audit(&actor.0, &action, &target, &detail)?));
    // What went wrong is in the log already; the act itself is done and must be answered.
    drop(kept.await);
    response
}

/// `task.put`, `group.delete`, `task.pause`: the noun, and the method or the verb at the path's end.
fn action(method: &Method, path: &str) -> String {
    let noun = match path {
        _ if path.contains("/server/config/") => "config",
        _ if path.contains("{group}") => "group",
        _ if path.contains("{operation}") => "operation",
        _ if path.contains("{table}") => "table",
        _ if path.ends_with("/event/skip") => "event",
        _ => "task",
    };
    let verb = match path.rsplit('/').next() {
        Some(verb) if !verb.starts_with('{') => verb.to_owned(),
        _ => method.as_str().to_ascii_lowercase(),
    };
    format!("{noun}.{verb}")
}

/// `task shop`, `task shop group billing`.
fn target<'a>(names: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let words: Vec<_> = names.map(|(noun, name)| format!("{noun} {name}")).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_is_a_noun_and_a_verb() {
        let group = "/api/v1/tasks/{task}/groups/{group}";
        for (method, path, expected) in [
            (Method::PUT, "/api/v1/tasks/{task}", "task.put"),
            (Method::POST, "/api/v1/tasks/{task}/pause", "task.pause"),
            (Method::DELETE, group, "group.delete"),
            (Method::POST, "/api/v1/tasks/{task}/verify", "task.verify"),
            (Method::DELETE, "/api/v1/operations/{operation}", "operation.delete"),
            (Method::POST, "/api/v1/tasks/{task}/tables/{table}/skip", "table.skip"),
            (Method::POST, "/api/v1/tasks/{task}/event/skip", "event.skip"),
            (Method::POST, "/api/v1/server/config/reload", "config.reload"),
        ] {
            assert_eq!(action(&method, path), expected);
        }
        assert_eq!(target([("task", "shop"), ("group", "b")].into_iter()), "task shop group b");
    }
}
