//! The description of the API, from the code.

use axum::http::header;
use axum::response::IntoResponse;
use utoipa::OpenApi;

use crate::{choices, code, group_seek, groups, health, records, reload, routes, tasks, verify};

#[derive(OpenApi)]
#[openapi(
    info(title = "Wellhead", description = "Change tracking tasks and their consumer groups."),
    paths(
        health::livez,
        health::readyz,
        health::metrics,
        routes::server,
        reload::reload,
        tasks::list,
        tasks::show,
        tasks::put,
        tasks::delete,
        choices::start,
        tasks::pause,
        choices::resume,
        choices::gaps,
        choices::tables,
        choices::retry_table,
        choices::skip_table,
        choices::event,
        choices::skip_event,
        tasks::data_range,
        code::show,
        records::list,
        verify::start,
        verify::show,
        verify::cancel,
        groups::list,
        groups::show,
        groups::put,
        groups::delete,
        group_seek::seek
    )
)]
struct Api;

/// The OpenAPI 3.1 document as JSON, indented, with a final line break.
///
/// # Panics
/// Never: the document is made of strings and maps.
#[must_use]
pub fn openapi_json() -> String {
    let mut text = Api::openapi().to_pretty_json().expect("strings and maps are JSON");
    text.push('\n');
    text
}

pub(crate) async fn serve() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], openapi_json())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checked_in_description_is_current() {
        let checked_in = include_str!("../openapi.json");
        assert!(
            checked_in == openapi_json(),
            "crates/service/openapi.json is stale; run: cargo run -p service --example openapi > crates/service/openapi.json"
        );
    }
}
