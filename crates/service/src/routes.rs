//! Which path leads where.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router, middleware};

use crate::app::App;
use crate::model::{DiskView, MemoryView, ServerView, seconds_between};
use crate::problem::{Code, Problem};
use crate::{
    access, audit, choices, code, group_seek, groups, health, openapi, records, reload, tasks,
    verify,
};

/// All routes. `/livez` and `/readyz` are open, everything else asks who calls.
pub(crate) fn router(app: App) -> Router {
    let guarded = Router::new()
        .route("/metrics", get(health::metrics))
        .route("/api/v1/server", get(server))
        .route("/api/v1/server/config/reload", post(reload::reload))
        .route("/api/v1/openapi.json", get(openapi::serve))
        .route("/api/v1/tasks", get(tasks::list))
        .route("/api/v1/tasks/{task}", get(tasks::show).put(tasks::put).delete(tasks::delete))
        .route("/api/v1/tasks/{task}/start", post(choices::start))
        .route("/api/v1/tasks/{task}/pause", post(tasks::pause))
        .route("/api/v1/tasks/{task}/resume", post(choices::resume))
        .route("/api/v1/tasks/{task}/gaps", get(choices::gaps))
        .route("/api/v1/tasks/{task}/tables", get(choices::tables))
        .route("/api/v1/tasks/{task}/tables/{table}/retry", post(choices::retry_table))
        .route("/api/v1/tasks/{task}/tables/{table}/skip", post(choices::skip_table))
        .route("/api/v1/tasks/{task}/event", get(choices::event))
        .route("/api/v1/tasks/{task}/event/skip", post(choices::skip_event))
        .route("/api/v1/tasks/{task}/data-range", get(tasks::data_range))
        .route("/api/v1/tasks/{task}/code/{client}", get(code::show))
        .route("/api/v1/tasks/{task}/records", get(records::list))
        .route("/api/v1/tasks/{task}/verify", post(verify::start))
        .route("/api/v1/operations/{operation}", get(verify::show).delete(verify::cancel))
        .route("/api/v1/tasks/{task}/groups", get(groups::list))
        .route(
            "/api/v1/tasks/{task}/groups/{group}",
            get(groups::show).put(groups::put).delete(groups::delete),
        )
        .route("/api/v1/tasks/{task}/groups/{group}/seek", post(group_seek::seek))
        .route_layer(middleware::from_fn_with_state(app.clone(), audit::keep))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(app.clone(), access::require));
    Router::new()
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .merge(guarded)
        .with_state(app)
}

/// The server itself.
#[utoipa::path(get, path = "/api/v1/server", tag = "server",
    responses((status = 200, body = ServerView), (status = 401, body = Problem)))]
pub(crate) async fn server(State(app): State<App>) -> Json<ServerView> {
    let facts = &app.facts;
    Json(ServerView {
        version: facts.version.into(),
        uptime_seconds: seconds_between(facts.started, app.clock.now()),
        kafka: facts.listeners.first().map(|main| main.address.to_string()).unwrap_or_default(),
        listeners: facts.listeners.iter().map(Into::into).collect(),
        http: facts.http.to_string(),
        http_certificate: facts.http_tls.as_ref().map(|tls| tls.certificate().into()),
        last_reload: app.reloads.last(),
        data_dir: facts.data_dir.display().to_string(),
        accounts: facts.accounts,
        tasks: app.tasks.count(),
        memory: MemoryView {
            budget_bytes: facts.budget.bytes() as u64,
            used_bytes: facts.budget.used() as u64,
            waiting: facts.budget.waiting() as u64,
        },
        disk: log::durable::free_bytes(&facts.data_dir)
            .ok()
            .map(|free_bytes| DiskView { free_bytes, min_free_bytes: app.tasks.min_free_bytes() }),
    })
}

async fn not_found() -> Problem {
    Problem::new(Code::NotFound, "there is nothing at this path; see /api/v1/openapi.json")
}

async fn method_not_allowed() -> (StatusCode, Problem) {
    let detail = "this path has no such method; see /api/v1/openapi.json";
    (StatusCode::METHOD_NOT_ALLOWED, Problem::new(Code::NotFound, detail))
}
