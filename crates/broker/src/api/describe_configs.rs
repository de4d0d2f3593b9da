//! DescribeConfigs: what holds for topics and for the broker, under Kafka's names for it. Only settings
//! that mean here what they mean in Kafka are told, and none of them can be changed by a client.
//!
//! What is named twice is refused the second time, so that an answer stays in proportion to its question.

use std::collections::{HashMap, HashSet};

use catalog::Catalog;
use change::TaskName;
use kafka::ErrorCode;
use kafka::messages::{
    ConfigEntry, ConfigSynonym, DescribeConfigsRequest, DescribeConfigsResource,
    DescribeConfigsResponse, DescribedConfigs, RESOURCE_BROKER, RESOURCE_TOPIC,
};

use super::metadata::missing;
use super::{Answer, Call, NODE_ID, first_error, offset_commit};
use crate::error::ConnectionError;
use crate::settings::Settings;
use crate::shared::Shared;

/// Why there are no settings to tell, and the same for people.
type Refused = (ErrorCode, &'static str);

/// One setting.
#[derive(Debug, Clone)]
struct Setting {
    name: &'static str,
    value: String,
    kind: Kind,
    source: Source,
    documentation: &'static str,
}

/// What a value is, by Kafka's number for it (`ConfigType`).
#[derive(Debug, Clone, Copy)]
#[repr(i8)]
enum Kind {
    Boolean = 1,
    Text = 2,
    Int = 3,
    Long = 5,
    List = 7,
}

/// Who has decided a value, by Kafka's number for it (`ConfigSource`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i8)]
enum Source {
    Task = 1,
    Operator = 4,
    Nobody = 5,
}

impl Setting {
    fn new(
        name: &'static str,
        kind: Kind,
        source: Source,
        value: &(impl ToString + ?Sized),
        documentation: &'static str,
    ) -> Self {
        Self { name, value: value.to_string(), kind, source, documentation }
    }
}

pub(super) async fn answer(
    broker: &Shared,
    call: &Call<'_>,
    request: &DescribeConfigsRequest<'_>,
) -> Result<Answer, ConnectionError> {
    let tasks = tasks(broker, call, request).await;
    let mut seen = HashSet::new();
    let settings: Vec<_> = request
        .resources
        .iter()
        .map(|resource| match seen.insert((resource.resource_type, resource.resource_name)) {
            true => find(broker, call, resource, &tasks),
            false => Err((ErrorCode::InvalidRequest, "it was named before")),
        })
        .collect();
    let results: Vec<_> = request
        .resources
        .iter()
        .zip(&settings)
        .map(|(resource, found)| described(request, resource, found))
        .collect();
    let error = first_error(results.iter().map(|result| result.error));
    call.answer(error, DescribeConfigsResponse { results, ..Default::default() })
}

/// What the tasks of the topics that are asked for say of them.
async fn tasks(
    broker: &Shared,
    call: &Call<'_>,
    request: &DescribeConfigsRequest<'_>,
) -> HashMap<TaskName, Vec<Setting>> {
    let named = request.resources.iter().filter(|one| one.resource_type == RESOURCE_TOPIC);
    let topics = named.filter_map(|one| call.principal.topic(&broker.topics, one.resource_name));
    let tasks: HashSet<TaskName> = topics.map(|topic| topic.task.clone()).collect();
    let catalog = broker.catalog.clone();
    let read = move || tasks.into_iter().map(|task| kept(&catalog, task)).collect();
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}

/// What a task says of its topic: nothing where it leaves it to the server. Blocks.
fn kept(catalog: &Catalog, task: TaskName) -> (TaskName, Vec<Setting>) {
    let spec = match catalog.task(&task) {
        Ok(task) => task.map(|task| task.spec),
        Err(error) => {
            tracing::error!(%error, "settings of a topic cannot be read");
            None
        }
    };
    let setting = |name, value: &dyn ToString, documentation| {
        Setting::new(name, Kind::Long, Source::Task, value, documentation)
    };
    let age = spec.as_ref().and_then(|spec| spec.retention);
    let bytes = spec.as_ref().and_then(|spec| spec.max_bytes);
    let settings = [
        age.map(|age| setting("retention.ms", &age.as_millis(), "how long records are kept")),
        bytes.map(|bytes| setting("retention.bytes", &bytes, "how many bytes of them are kept")),
    ];
    (task, settings.into_iter().flatten().collect())
}

fn find(
    broker: &Shared,
    call: &Call<'_>,
    resource: &DescribeConfigsResource<'_>,
    tasks: &HashMap<TaskName, Vec<Setting>>,
) -> Result<Vec<Setting>, Refused> {
    match (resource.resource_type, resource.resource_name) {
        (RESOURCE_TOPIC, name) => match call.principal.topic(&broker.topics, name) {
            Some(topic) => {
                let own = tasks.get(&topic.task).into_iter().flatten().cloned();
                Ok(topic_settings().into_iter().chain(own).collect())
            }
            None => Err((missing(name), "there is no such topic")),
        },
        // What has been changed for all brokers at once: nothing can be.
        (RESOURCE_BROKER, "") => Ok(Vec::new()),
        (RESOURCE_BROKER, name) if name.parse() == Ok(NODE_ID) => {
            Ok(broker_settings(&broker.settings))
        }
        (RESOURCE_BROKER, _) => Err((ErrorCode::InvalidRequest, "there is no such broker")),
        _ => Err((ErrorCode::InvalidRequest, "this kind of thing has no settings")),
    }
}

/// What holds for every topic.
fn topic_settings() -> [Setting; 4] {
    let fixed = |name, kind, value: &str, documentation| {
        Setting::new(name, kind, Source::Nobody, value, documentation)
    };
    [
        fixed("cleanup.policy", Kind::List, "delete", "old records go, and none is compacted"),
        fixed("compression.type", Kind::Text, "producer", "batches are sent as they were written"),
        fixed(
            "message.timestamp.type",
            Kind::Text,
            "CreateTime",
            "a record has the time of its change at the source",
        ),
        fixed("min.insync.replicas", Kind::Int, "1", "there is one replica"),
    ]
}

/// What holds for the broker.
fn broker_settings(settings: &Settings) -> Vec<Setting> {
    let groups = &settings.groups;
    let fixed = |name, kind, value: &dyn ToString, documentation| {
        Setting::new(name, kind, Source::Nobody, value, documentation)
    };
    let chosen = |name, kind, value: &dyn ToString, documentation| {
        Setting::new(name, kind, Source::Operator, value, documentation)
    };
    vec![
        fixed(
            "auto.create.topics.enable",
            Kind::Boolean,
            &false,
            "a topic is made with its task and never by a client",
        ),
        fixed("default.replication.factor", Kind::Int, &1, "replicas of a topic"),
        fixed("node.id", Kind::Int, &NODE_ID, "the number of the one broker"),
        fixed(
            "offset.metadata.max.bytes",
            Kind::Int,
            &offset_commit::METADATA_BYTES_MAX,
            "bytes of the metadata of a commit",
        ),
        chosen(
            "connections.max.idle.ms",
            Kind::Long,
            &settings.idle_timeout.as_millis(),
            "a connection without a request for so long is closed",
        ),
        chosen(
            "fetch.max.bytes",
            Kind::Int,
            &settings.fetch_bytes_max,
            "bytes of an answer to Fetch",
        ),
        chosen("max.connections", Kind::Int, &settings.connections_max, "connections at a time"),
        chosen(
            "group.initial.rebalance.delay.ms",
            Kind::Int,
            &groups.initial_rebalance_delay.as_millis(),
            "how long the first member of a group waits for others",
        ),
        chosen(
            "group.max.session.timeout.ms",
            Kind::Int,
            &groups.session_timeout.end().as_millis(),
            "the longest session timeout of a member",
        ),
        chosen(
            "group.min.session.timeout.ms",
            Kind::Int,
            &groups.session_timeout.start().as_millis(),
            "the shortest session timeout of a member",
        ),
        chosen("group.max.size", Kind::Int, &groups.members, "members of a group"),
    ]
}

fn described<'m>(
    request: &DescribeConfigsRequest<'_>,
    resource: &'m DescribeConfigsResource<'_>,
    found: &'m Result<Vec<Setting>, Refused>,
) -> DescribedConfigs<'m> {
    let mut described = DescribedConfigs {
        resource_type: resource.resource_type,
        resource_name: resource.resource_name,
        ..Default::default()
    };
    match found {
        Ok(settings) => {
            let asked = resource.configuration_keys.as_deref().unwrap_or_default();
            let wanted = |setting: &&Setting| asked.is_empty() || asked.contains(&setting.name);
            described.configs =
                settings.iter().filter(wanted).map(|setting| entry(request, setting)).collect();
        }
        Err((error, message)) => {
            described.error = *error;
            described.error_message = Some(message);
        }
    }
    described
}

fn entry<'m>(request: &DescribeConfigsRequest<'_>, setting: &'m Setting) -> ConfigEntry<'m> {
    let (name, value, source) = (setting.name, Some(setting.value.as_str()), setting.source as i8);
    let synonyms = match request.include_synonyms {
        true => vec![ConfigSynonym { name, value, source }],
        false => Vec::new(),
    };
    ConfigEntry {
        name,
        value,
        read_only: true,
        is_default: setting.source == Source::Nobody,
        config_source: source,
        is_sensitive: false,
        synonyms,
        config_type: setting.kind as i8,
        documentation: request.include_documentation.then_some(setting.documentation),
    }
}
