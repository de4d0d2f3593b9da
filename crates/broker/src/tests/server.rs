//! A broker with logs that tests fill by hand.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use catalog::{Catalog, GroupSpec, Secret, SourceSpec, TaskSpec, TlsMode};
use change::{Clock, SourceName, TaskName, TopicName, UnixTime};
use kafka::batch::{BatchBuilder, Compression};
use kafka::{LeaderEpoch, Offset};
use log::{Config, Incarnation, Partition, Retention, Writer};
use prometheus_client::registry::Registry;
use tempfile::TempDir;

use crate::{
    Access, Advertised, Broker, GroupLimits, ListenerSettings, Mechanism, Settings, Topic,
    TopicDirectory,
};

/// What the broker believes the time to be: 2024-01-01 00:00:00 UTC.
pub(super) const NOW_SECONDS: i64 = 1_704_067_200;
pub(super) const PASSWORD: &str = "S3cret-pass";

pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) broker: Broker,
    pub(super) topics: Arc<TopicDirectory>,
    pub(super) registry: Registry,
    catalog: Catalog,
    writers: HashMap<String, Writer>,
    folder: TempDir,
}

#[derive(Debug)]
struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_seconds(NOW_SECONDS)
    }
}

impl Server {
    pub(super) async fn start(access: Access) -> Self {
        Self::start_with(access, settings()).await
    }

    pub(super) async fn start_with(access: Access, settings: Settings) -> Self {
        let folder = TempDir::new().unwrap();
        let catalog = Catalog::open(folder.path()).unwrap();
        let topics = Arc::new(TopicDirectory::default());
        let mut registry = Registry::default();
        let (broker, address) =
            serve(settings, access, Arc::clone(&topics), catalog.clone(), &mut registry).await;
        Self { address, broker, topics, registry, catalog, writers: HashMap::new(), folder }
    }

    /// Puts another broker in this one's place, which ends as if it were killed.
    pub(super) async fn restart(&mut self, settings: Settings, access: Access) {
        let (topics, catalog) = (Arc::clone(&self.topics), self.catalog.clone());
        self.registry = Registry::default();
        (self.broker, self.address) =
            serve(settings, access, topics, catalog, &mut self.registry).await;
    }

    /// Opens an empty log as a topic of the task of the same name.
    pub(super) fn open_topic(&mut self, name: &str) {
        self.open_topic_in_segments(name, 256 << 20);
    }

    /// The same with segments of this length.
    pub(super) fn open_topic_in_segments(&mut self, name: &str, segment_bytes: u32) {
        let identity = Incarnation::from_bytes([name.as_bytes()[0]; 16]);
        let path = self.folder.path().join(name);
        let config = Config { segment_bytes, ..Config::new(identity) };
        let partition = Partition::open(&path, &config).unwrap();
        self.topics.insert(Topic {
            name: TopicName::new(name).unwrap(),
            task: TaskName::new(name).unwrap(),
            partitions: vec![partition.reader],
        });
        self.writers.insert(name.into(), partition.writer);
    }

    /// Appends one batch, durable and visible, and answers its bytes as they are stored.
    pub(super) fn append(&mut self, topic: &str, records: &[(i64, &str)]) -> Vec<u8> {
        self.append_with(topic, records, Compression::None)
    }

    /// The same, compressed.
    pub(super) fn append_with(
        &mut self,
        topic: &str,
        records: &[(i64, &str)],
        compression: Compression,
    ) -> Vec<u8> {
        let topic_name = TopicName::new(topic).unwrap();
        let reader = self.topics.get(&topic_name).unwrap().partitions[0].clone();
        let base: Offset = reader.high_watermark();
        let mut builder = BatchBuilder::default();
        for (timestamp_ms, value) in records {
            builder.push(*timestamp_ms, None, Some(value.as_bytes())).unwrap();
        }
        let mut bytes = Vec::new();
        builder.seal(&[], compression, base, LeaderEpoch(0), &mut bytes).unwrap();
        let writer = self.writers.get_mut(topic).unwrap();
        writer.append(&mut bytes).unwrap();
        writer.sync().unwrap();
        bytes
    }

    /// Closes a topic's log and opens it again, which is a new leader epoch.
    pub(super) fn open_again(&mut self, topic: &str) {
        self.writers.remove(topic);
        self.open_topic(topic);
    }

    /// Removes all segments of a topic but the last.
    pub(super) fn retain(&mut self, topic: &str) {
        let keep = Retention { age: None, max_bytes: Some(1) };
        let removed = self.writers.get_mut(topic).unwrap().retain(0, &keep).unwrap();
        assert!(removed.segments > 0, "there is only one");
    }

    /// Where all logs are.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Creates a task with a consumer group, and answers the group's user and id.
    pub(super) fn create_group(&self, task: &str) -> (String, String) {
        let source = SourceSpec {
            name: SourceName::new("source").unwrap(),
            kind: "mysql".into(),
            url: "mysql://cdc@127.0.0.1:3306".into(),
            password: None,
            tls: TlsMode::Prefer,
            ca: None,
            server_id: None,
            owner: None,
        };
        self.catalog.put_source(&source).unwrap();
        let spec = TaskSpec {
            name: TaskName::new(task).unwrap(),
            source: source.name,
            topic: TopicName::new(task).unwrap(),
            title: String::new(),
            include: vec![format!("{task}.*")],
            exclude: Vec::new(),
            operations: catalog::Operations::All,
            statements: catalog::StatementScope::Instance,
            on_table_error: catalog::OnTableError::Quarantine,
            start: catalog::StartAt::Now,
            retention: None,
            max_bytes: None,
            owner: None,
        };
        self.catalog.put_task(&spec).unwrap();
        let group = GroupSpec {
            task: spec.name,
            name: "billing".into(),
            account: "billing".into(),
            password: Secret::new(PASSWORD),
            fetch_rate: None,
            owner: None,
        };
        let group = self.catalog.create_group(&group).unwrap();
        (group.user(), group.id.to_string())
    }

    /// All counters in text form.
    pub(super) fn scrape(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        text
    }
}

/// A broker behind one open door, and where that is.
async fn serve(
    settings: Settings,
    access: Access,
    topics: Arc<TopicDirectory>,
    catalog: Catalog,
    registry: &mut Registry,
) -> (Broker, SocketAddr) {
    let mut broker = Broker::new(settings, topics, catalog, Arc::new(FixedClock), registry);
    let listener = ListenerSettings {
        name: None,
        address: "127.0.0.1:0".parse().unwrap(),
        advertised: Advertised::Dialled,
        access,
        tls: None,
        mechanisms: Mechanism::ALL.to_vec(),
    };
    let address = broker.listen(listener).await.unwrap();
    broker.open().await;
    (broker, address)
}

/// Settings with which tests need not wait.
pub(super) fn settings() -> Settings {
    let groups = GroupLimits { initial_rebalance_delay: Duration::ZERO, ..GroupLimits::default() };
    Settings { groups, login_refusal_delay: Duration::from_millis(1), ..Settings::default() }
}
