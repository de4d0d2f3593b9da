//! `wellhead health`: does the server serve? What a container image runs as its health check.

use anyhow::Result;
use hyper::Method;
use hyper::StatusCode;
use hyper::body::Bytes;
use serde_json::json;

use crate::cli::Global;
use crate::client::Client;
use crate::output::{Answer, Verdict};

/// Exit code 0 when it serves, 4 when it says that it does not, 3 when it cannot be asked.
pub(super) async fn run(global: &Global) -> Result<Answer> {
    let reply = Client::new(global)?.exchange(Method::GET, "/readyz", Bytes::new()).await?;
    Ok(judged(reply.status))
}

fn judged(status: StatusCode) -> Answer {
    let serving = status == StatusCode::OK;
    let (word, verdict) =
        if serving { ("serving", Verdict::Good) } else { ("starting or stopping", Verdict::Bad) };
    Answer {
        summary: String::new(),
        result: json!({ "serving": serving }),
        text: format!("{word}\n"),
        verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_200_is_healthy() {
        assert_eq!(judged(StatusCode::OK).verdict, Verdict::Good);
        let starting = judged(StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            (starting.verdict, starting.text.as_str()),
            (Verdict::Bad, "starting or stopping\n")
        );
        assert_eq!(judged(StatusCode::NOT_FOUND).verdict, Verdict::Bad);
    }
}
