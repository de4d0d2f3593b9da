//! Who may call: over the admin socket, processes of our own user; over TCP, bearers of a token.

use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::serve::IncomingStream;
use tokio::net::UnixListener;

use crate::app::{App, blocking};
use crate::door::Door;
use crate::problem::{Code, Problem};

/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Over TCP: must show a token.
    Remote,
    /// Over the admin socket, by a process of our own user or root: its uid.
    Local(u32),
    /// Over the admin socket, by somebody else.
    Stranger,
}

impl Connected<IncomingStream<'_, Door>> for Caller {
    fn connect_info(_: IncomingStream<'_, Door>) -> Self {
        Self::Remote
    }
}

impl Connected<IncomingStream<'_, UnixListener>> for Caller {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        let own = rustix::process::geteuid().as_raw();
        match stream.io().peer_cred() {
            Ok(peer) if peer.uid() == own || peer.uid() == 0 => Self::Local(peer.uid()),
            _ => Self::Stranger,
        }
    }
}

/// Who calls, in words, for the audit trail. Every request that passed has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Actor(pub(crate) String);

/// Lets a request pass, or answers 401.
pub(crate) async fn require(
    State(app): State<App>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    mut request: Request,
    next: Next,
) -> Response {
    let actor = match caller {
        Caller::Local(uid) => Some(format!("admin.sock uid {uid}")),
        Caller::Stranger => None,
        Caller::Remote => match bearer(&request) {
            Some(token) => name_of(app, token).await.map(|name| format!("token {name}")),
            None => None,
        },
    };
    if let Some(actor) = actor {
        request.extensions_mut().insert(Actor(actor));
        return next.run(request).await;
    }
    let detail = "send \"Authorization: Bearer TOKEN\"; the server wrote one to admin.token in its data folder";
    Problem::new(Code::Unauthorized, detail).into_response()
}

fn bearer(request: &Request) -> Option<String> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ").map(|token| token.trim().to_owned())
}

/// The name of a token, if it is one.
async fn name_of(app: App, token: String) -> Option<String> {
    let look = blocking(move || Ok(app.catalog.verify_token(&token)?.map(|token| token.name)));
    look.await.unwrap_or(None)
}
