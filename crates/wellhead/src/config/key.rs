//! The keys that exist, with the form of their values and their defaults.

/// A key: its path below its section or object, and what it takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    /// With dots: `server.log.level`, or `keep.retention` in an object.
    pub(super) path: &'static str,
    pub(super) shape: Shape,
    /// As TOML; objects have no defaults here.
    pub(super) default: Option<&'static str>,
}

/// The form of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    /// Text that is never shown.
    Secret,
    /// An address with an account; shown without its password.
    Url,
    /// Text, or a bare number in the smallest unit.
    Quantity,
    Number,
    List,
}

/// A kind of object that a file defines as an array of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Listener,
    Source,
    Task,
    Group,
}

/// The keys of all sections.
pub(super) const SECTIONS: &[Key] = &[
    with_default("server.data_dir", Shape::Text, "\"/var/lib/wellhead\""),
    with_default("server.log.level", Shape::Text, "\"info\""),
    with_default("server.log.format", Shape::Text, "\"auto\""),
    with_default("server.shutdown_grace", Shape::Quantity, "\"30s\""),
    with_default("kafka.listen", Shape::Text, "\"127.0.0.1:9092\""),
    with_default("kafka.advertised", Shape::Text, "\"auto\""),
    with_default("kafka.tls.cert_file", Shape::Text, "\"\""),
    with_default("kafka.tls.key_file", Shape::Text, "\"\""),
    with_default("kafka.tls.client_ca_file", Shape::Text, "\"\""),
    with_default("kafka.sasl", Shape::List, "[\"PLAIN\", \"SCRAM-SHA-256\", \"SCRAM-SHA-512\"]"),
    with_default("kafka.limits.connections", Shape::Number, "2000"),
    with_default("kafka.limits.connections_per_address", Shape::Number, "0"),
    with_default("kafka.limits.connections_per_group", Shape::Number, "0"),
    with_default("kafka.limits.login_lifetime", Shape::Quantity, "\"0s\""),
    with_default("kafka.limits.fetch_rate", Shape::Quantity, "\"\""),
    with_default("kafka.limits.fetch_bytes", Shape::Quantity, "\"50MiB\""),
    with_default("http.listen", Shape::Text, "\"127.0.0.1:8090\""),
    with_default("http.tls.cert_file", Shape::Text, "\"\""),
    with_default("http.tls.key_file", Shape::Text, "\"\""),
    with_default("storage.sync_interval", Shape::Quantity, "\"5ms\""),
    with_default("storage.segment_bytes", Shape::Quantity, "\"256MiB\""),
    with_default("storage.compression", Shape::Text, "\"lz4\""),
    with_default("storage.min_free", Shape::Quantity, "\"5%\""),
    with_default("defaults.keep.retention", Shape::Quantity, "\"24h\""),
    with_default("defaults.keep.max_bytes", Shape::Quantity, "\"\""),
    with_default("memory.budget", Shape::Quantity, "\"auto\""),
    with_default("capture.queue_bytes", Shape::Quantity, "\"64MiB\""),
    with_default("capture.heartbeat", Shape::Quantity, "\"5s\""),
    with_default("capture.retry_for", Shape::Quantity, "\"7d\""),
    with_default("capture.retry_max_interval", Shape::Quantity, "\"60s\""),
];

const LISTENER: &[Key] = &[
    key("name", Shape::Text),
    key("listen", Shape::Text),
    key("advertised", Shape::Text),
    key("tls.cert_file", Shape::Text),
    key("tls.key_file", Shape::Text),
    key("tls.client_ca_file", Shape::Text),
    key("sasl", Shape::List),
];

const SOURCE: &[Key] = &[
    key("name", Shape::Text),
    key("kind", Shape::Text),
    key("url", Shape::Url),
    key("password", Shape::Secret),
    key("password_file", Shape::Text),
    key("tls", Shape::Text),
    key("ca", Shape::Text),
    key("server_id", Shape::Quantity),
];

const TASK: &[Key] = &[
    key("name", Shape::Text),
    key("source", Shape::Text),
    key("topic", Shape::Text),
    key("title", Shape::Text),
    key("tables", Shape::List),
    key("exclude", Shape::List),
    key("ops", Shape::List),
    key("start", Shape::Text),
    key("ddl_scope", Shape::Text),
    key("on_table_error", Shape::Text),
    key("keep.retention", Shape::Quantity),
    key("keep.max_bytes", Shape::Quantity),
];

const GROUP: &[Key] = &[
    key("task", Shape::Text),
    key("name", Shape::Text),
    key("user", Shape::Text),
    key("password", Shape::Secret),
    key("password_file", Shape::Text),
    key("fetch_rate", Shape::Quantity),
];

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Listener, Self::Source, Self::Task, Self::Group];

    /// The name of its array of tables.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Listener => "kafka.listener",
            Self::Source => "source",
            Self::Task => "task",
            Self::Group => "group",
        }
    }

    pub(super) fn keys(self) -> &'static [Key] {
        match self {
            Self::Listener => LISTENER,
            Self::Source => SOURCE,
            Self::Task => TASK,
            Self::Group => GROUP,
        }
    }

    /// The keys that tell one object from another.
    pub(super) fn identity(self) -> &'static [&'static str] {
        match self {
            Self::Listener | Self::Source | Self::Task => &["name"],
            Self::Group => &["task", "name"],
        }
    }
}

/// The environment variable of a section's key.
pub(super) fn variable(path: &str) -> String {
    format!("{VARIABLE_PREFIX}{}", path.replace('.', "__").to_uppercase())
}

/// What all variables of keys begin with; `__` follows somewhere behind.
pub(super) const VARIABLE_PREFIX: &str = "WELLHEAD_";

const fn key(path: &'static str, shape: Shape) -> Key {
    Key { path, shape, default: None }
}

const fn with_default(path: &'static str, shape: Shape, default: &'static str) -> Key {
    Key { path, shape, default: Some(default) }
}
