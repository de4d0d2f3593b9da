//! Who may call: over the admin socket, processes of our own user; over TCP, bearers of a token.

use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::serve::IncomingStream;
use tokio::net::{TcpListener, UnixListener};

use crate::app::{App, blocking};
use crate::problem::{Code, Problem};

/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Over TCP: must show a token.
    Remote,
    /// Over the admin socket, by a process of our own user or root.
    Local,
    /// Over the admin socket, by somebody else.
    Stranger,
}

impl Connected<IncomingStream<'_, TcpListener>> for Caller {
    fn connect_info(_: IncomingStream<'_, TcpListener>) -> Self {
        Self::Remote
    }
}

impl Connected<IncomingStream<'_, UnixListener>> for Caller {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        let own = rustix::process::geteuid().as_raw();
        match stream.io().peer_cred() {
            Ok(peer) if peer.uid() == own || peer.uid() == 0 => Self::Local,
            _ => Self::Stranger,
        }
    }
}

/// Lets a request pass, or answers 401.
pub(crate) async fn require(
    State(app): State<App>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    request: Request,
    next: Next,
) -> Response {
    let allowed = match caller {
        Caller::Local => true,
        Caller::Stranger => false,
        Caller::Remote => match bearer(&request) {
            Some(token) => token_is_valid(app, token).await,
            None => false,
        },
    };
    if allowed {
        return next.run(request).await;
    }
    let detail = "send \"Authorization: Bearer TOKEN\"; the server wrote one to admin.token in its data folder";
    Problem::new(Code::Unauthorized, detail).into_response()
}

fn bearer(request: &Request) -> Option<String> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ").map(|token| token.trim().to_owned())
}

async fn token_is_valid(app: App, token: String) -> bool {
    let look = blocking(move || {
        app.catalog
            .verify_token(&token)
            .map(|token| token.is_some())
            .map_err(|error| crate::problem::internal_logged(Code::Internal, &error))
    });
    look.await.unwrap_or(false)
}
