//! The broker's counters. Labels are bounded: APIs and errors by Kafka's tables, groups by those that
//! have an account.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use kafka::{ApiKey, ErrorCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Requests by API and error; exposed with `_total`.
pub const REQUESTS: &str = "wellhead_kafka_requests";
/// Seconds from a request's last byte to its answer's last, waits included: of `Fetch`, and of all
/// `other` APIs together. A histogram for each API would be most of what a scrape may hold.
pub const REQUEST_SECONDS: &str = "wellhead_kafka_request_seconds";
/// Open connections.
pub const CONNECTIONS: &str = "wellhead_kafka_connections";
/// Connections closed because their bytes were no request that is served; exposed with `_total`.
pub const PROTOCOL_ERRORS: &str = "wellhead_kafka_protocol_errors";
/// Logins refused, by SASL mechanism; exposed with `_total`.
pub const AUTH_FAILURES: &str = "wellhead_kafka_auth_failures";
/// Connections that were turned away, by the limit that was reached: `all` there may be, those of an
/// `address`, of its `strangers`, of a `group`, wrong `guesses`, the `login_timeout`; exposed with `_total`.
pub const CONNECTIONS_REFUSED: &str = "wellhead_kafka_connections_refused";
/// Bytes of record batches sent, by consumer group; exposed with `_total`.
pub const FETCH_BYTES: &str = "wellhead_kafka_fetch_bytes";

/// Seconds for which answers were throttled because of a quota, by consumer group; exposed with `_total`.
pub const THROTTLED_SECONDS: &str = "wellhead_kafka_throttled_seconds";

/// Cheap to clone; all clones count together.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<ApiLabels, Histogram, fn() -> Histogram>,
    pub(crate) connections: Gauge,
    pub(crate) protocol_errors: Counter,
    auth_failures: Family<MechanismLabels, Counter>,
    connections_refused: Family<LimitLabels, Counter>,
    fetch_bytes: Family<GroupLabels, Counter<u64, AtomicU64>>,
    throttled_seconds: Family<GroupLabels, Counter<f64, AtomicU64>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    api: String,
    error: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ApiLabels {
    api: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MechanismLabels {
    mechanism: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabels {
    limit: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GroupLabels {
    group: String,
}

impl Metrics {
    /// Registers everything.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(seconds_histogram),
            connections: Gauge::default(),
            protocol_errors: Counter::default(),
            auth_failures: Family::default(),
            connections_refused: Family::default(),
            fetch_bytes: Family::default(),
            throttled_seconds: Family::default(),
        };
        registry.register(REQUESTS, "Kafka requests by API and error", metrics.requests.clone());
        registry.register(
            REQUEST_SECONDS,
            "Seconds from a Kafka request to its answer, waits for data and members included",
            metrics.request_seconds.clone(),
        );
        registry.register(CONNECTIONS, "Open Kafka connections", metrics.connections.clone());
        registry.register(
            PROTOCOL_ERRORS,
            "Kafka connections closed because of bytes that are no served request",
            metrics.protocol_errors.clone(),
        );
        registry.register(
            AUTH_FAILURES,
            "Kafka logins refused, by SASL mechanism",
            metrics.auth_failures.clone(),
        );
        registry.register(
            CONNECTIONS_REFUSED,
            "Kafka connections that were turned away, by the limit that was reached",
            metrics.connections_refused.clone(),
        );
        registry.register(
            FETCH_BYTES,
            "Bytes of record batches sent to Kafka clients, by consumer group",
            metrics.fetch_bytes.clone(),
        );
        registry.register(
            THROTTLED_SECONDS,
            "Seconds for which Kafka clients were throttled because of a quota, by consumer group",
            metrics.throttled_seconds.clone(),
        );
        metrics
    }

    /// A request was answered.
    pub(crate) fn answered(&self, key: ApiKey, error: ErrorCode, took: Duration) {
        let api = format!("{key:?}");
        let labels = RequestLabels { api, error: kafka_spelling(error) };
        self.requests.get_or_create(&labels).inc();
        let measured = if key == ApiKey::Fetch { "Fetch" } else { "other" };
        self.request_seconds
            .get_or_create(&ApiLabels { api: measured })
            .observe(took.as_secs_f64());
    }

    /// A login was refused.
    pub(crate) fn login_refused(&self, mechanism: &'static str) {
        let labels = MechanismLabels { mechanism };
        self.auth_failures.get_or_create(&labels).inc();
    }

    /// A connection was turned away.
    pub(crate) fn connection_refused(&self, limit: &'static str) {
        self.connections_refused.get_or_create(&LimitLabels { limit }).inc();
    }

    /// A group is not heard for so long.
    pub(crate) fn throttled(&self, group: &str, time: Duration) {
        if !time.is_zero() {
            let labels = GroupLabels { group: group.to_owned() };
            self.throttled_seconds.get_or_create(&labels).inc_by(time.as_secs_f64());
        }
    }

    /// Record batches went to a group.
    pub(crate) fn fetched(&self, group: &str, bytes: u64) {
        let labels = GroupLabels { group: group.to_owned() };
        self.fetch_bytes.get_or_create(&labels).inc_by(bytes);
    }
}

fn seconds_histogram() -> Histogram {
    Histogram::new([0.001, 0.01, 0.1, 1.0, 10.0])
}

/// `UnknownMemberId` as `UNKNOWN_MEMBER_ID`.
fn kafka_spelling(error: ErrorCode) -> String {
    let mut text = String::with_capacity(32);
    for letter in format!("{error:?}").chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_uppercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_appear_under_their_promised_names() {
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        metrics.answered(ApiKey::Fetch, ErrorCode::OffsetOutOfRange, Duration::from_millis(3));
        metrics.answered(ApiKey::Metadata, ErrorCode::None, Duration::from_millis(3));
        metrics.login_refused("PLAIN");
        metrics.fetched("dtsx", 7);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "wellhead_kafka_requests_total{api=\"Fetch\",error=\"OFFSET_OUT_OF_RANGE\"} 1",
            "wellhead_kafka_request_seconds_count{api=\"Fetch\"} 1",
            "wellhead_kafka_request_seconds_count{api=\"other\"} 1",
            "wellhead_kafka_connections 0",
            "wellhead_kafka_auth_failures_total{mechanism=\"PLAIN\"} 1",
            "wellhead_kafka_fetch_bytes_total{group=\"dtsx\"} 7",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }
}
