//! Is the server alive, is it serving, and its metrics.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::{App, blocking};
use crate::problem::{Code, Problem};

/// The process answers.
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = 200, body = String)))]
pub(crate) async fn livez() -> &'static str {
    "ok\n"
}

/// The Kafka listener serves. Says nothing about sources: a purged binlog must not restart a pod.
#[utoipa::path(get, path = "/readyz", tag = "health",
    responses((status = 200, body = String), (status = 503, body = String)))]
pub(crate) async fn readyz(State(app): State<App>) -> Response {
    if app.is_ready() {
        "ok\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "starting or stopping\n").into_response()
    }
}

/// All metrics, as OpenMetrics text.
#[utoipa::path(get, path = "/metrics", tag = "health",
    responses((status = 200, body = String), (status = 401, body = Problem)))]
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let text = blocking(move || {
        app.tasks.refresh_metrics()?;
        app.metrics.refresh(&app.facts, app.clock.now(), &app.tasks, &app.catalog)?;
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &app.registry)
            .map_err(|error| crate::problem::internal_logged(Code::Internal, &error))?;
        Ok(text)
    })
    .await?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}
