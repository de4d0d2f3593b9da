//! `wellhead serve`: the server as its configuration describes it.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

use anyhow::{Context, Result};
use broker::{Access, Advertised, ListenerSettings};
use budget::Budget;
use catalog::{Catalog, Owned};
use service::Reload;
use tokio::signal::unix::SignalKind;

use crate::certificates::{Certificates, Door};
use crate::cli::ServeArgs;
use crate::config::{self, Config, Flag, Inputs, Listener, Lock};
use crate::data_dir::DataDir;
use crate::memory::budget_bytes;
use crate::open_files;
use crate::reload::Reloader;
use crate::server::{Server, Settings, asked_to_stop, signals};
use crate::tracing_output;

/// Serves until asked to stop.
pub(crate) async fn run(args: ServeArgs) -> Result<()> {
    let inputs = inputs(args);
    let loaded = config::load(&inputs)?;
    let config = loaded.config.clone();
    tracing_output::install(&config.server.log);
    let open_files = open_files::raise();
    let data_dir = DataDir::open(&config.server.data_dir)?;
    let catalog = Catalog::open(data_dir.path())?;
    release_orphans(&config, &catalog)?;
    for source in &config.sources {
        catalog.put_source(source)?;
    }
    let certificates = Certificates::open(&config)?;
    let reloader = Reloader::new(inputs, loaded, certificates.clone());
    let settings = settings(&config, &data_dir, certificates, Arc::new(reloader))?;
    let mut hangups = signals(SignalKind::hangup())?;
    let server = Server::start(data_dir, catalog.clone(), settings).await?;
    put_objects(&config, &catalog, &server).await?;
    let tasks = server.tasks.count();
    if let Some(shortage) = open_files::shortage(open_files, config.kafka.max_connections, tasks) {
        tracing::warn!("{shortage}");
    }
    tracing::info!(kafka = %server.kafka, http = %server.http, "serving");
    let mut stop = pin!(asked_to_stop());
    loop {
        tokio::select! {
            asked = &mut stop => break asked?,
            Some(()) = hangups.recv() => server.reload().await,
        }
    }
    tracing::info!("stopping");
    server.stop().await?;
    tracing::info!("stopped, everything read is on disk");
    Ok(())
}

/// Flags are values of the configuration, over everything else.
fn inputs(args: ServeArgs) -> Inputs {
    let flag = |name, key, value: Option<String>| value.map(|value| Flag { name, key, value });
    let data_dir = args.data_dir.map(|path: PathBuf| path.to_string_lossy().into_owned());
    let flags = [
        flag("--data-dir", "server.data_dir", data_dir),
        flag("--kafka", "kafka.listen", args.kafka),
        flag("--http", "http.listen", args.http),
    ];
    Inputs {
        file: args.config,
        environment: std::env::vars().collect(),
        flags: flags.into_iter().flatten().collect(),
        without_secrets: false,
    }
}

fn settings(
    config: &Config,
    data_dir: &DataDir,
    certificates: Certificates,
    reload: Arc<dyn Reload>,
) -> Result<Settings> {
    let total = log::durable::total_bytes(data_dir.path())
        .with_context(|| format!("the disk of {} cannot be asked", data_dir.path().display()))?;
    let budget = Budget::new(budget_bytes(config.memory));
    Ok(Settings {
        kafka: config.kafka.listeners().map(|door| listener(door, &certificates)).collect(),
        broker: broker::Settings {
            connections_max: config.kafka.max_connections,
            connections_per_address_max: or_any(config.kafka.max_connections_per_address),
            connections_per_group_max: or_any(config.kafka.max_connections_per_group),
            login_lifetime: Some(config.kafka.login_lifetime).filter(|time| !time.is_zero()),
            fetch_bytes_max: config.kafka.max_fetch_bytes,
            fetch_rate: config.kafka.fetch_rate,
            budget: budget.clone(),
            ..broker::Settings::default()
        },
        http: config.http.listen,
        certificates,
        reload: Some(reload),
        task: task::Settings {
            log_dir: data_dir.logs(),
            disk: Arc::new(log::durable::RealDisk),
            segment_bytes: u32::try_from(config.storage.segment_bytes).unwrap_or(u32::MAX),
            compression: config.storage.compression,
            sync_interval: config.storage.sync_interval,
            heartbeat: config.capture.heartbeat,
            queue_bytes: config.capture.queue_bytes,
            budget: budget.clone(),
            min_free_bytes: config.storage.min_free.bytes(total),
            retry_for: config.capture.retry_for,
            retry_max_interval: config.capture.retry_max_interval,
            retention: config.keep.retention,
            retention_bytes: config.keep.max_bytes,
        },
        budget,
        grace: config.server.shutdown_grace,
    })
}

fn listener(door: &Listener, certificates: &Certificates) -> ListenerSettings {
    ListenerSettings {
        name: door.name.clone(),
        address: door.listen,
        advertised: match &door.advertised {
            config::Advertised::Auto => Advertised::Dialled,
            config::Advertised::Address { host, port } => {
                Advertised::At { host: host.clone(), port: *port }
            }
        },
        access: match door.lock() {
            Lock::None => Access::Anonymous,
            Lock::Login => Access::Accounts,
            Lock::Certificate => Access::Certificates,
        },
        mechanisms: door.sasl.clone(),
        tls: certificates.of(&Door::Kafka(door.name.clone())),
    }
}

/// A number of which 0 is none.
fn or_any(limit: usize) -> usize {
    if limit == 0 { usize::MAX } else { limit }
}

/// What the file had once and has no more goes on, and can be changed and deleted from now on.
fn release_orphans(config: &Config, catalog: &Catalog) -> Result<()> {
    let owned = Owned {
        sources: config.sources.iter().map(|source| source.name.to_string()).collect(),
        tasks: config.tasks.iter().map(|task| task.name.to_string()).collect(),
        groups: config
            .groups
            .iter()
            .map(|group| (group.task.to_string(), group.name.clone()))
            .collect(),
    };
    for object in catalog.release_orphans(&owned)? {
        tracing::warn!(object, "no longer in the configuration; it stays until it is deleted");
    }
    Ok(())
}

/// Creates or replaces the tasks and groups of the file. A task that is new starts by itself; whether
/// its source works is told by its state, because a source that is down must not keep a server down.
async fn put_objects(config: &Config, catalog: &Catalog, server: &Server) -> Result<()> {
    let (specs, groups) = (config.tasks.clone(), config.groups.clone());
    let (tasks, catalog) = (server.tasks.clone(), catalog.clone());
    tokio::task::spawn_blocking(move || -> Result<()> {
        for spec in specs {
            let name = spec.name.clone();
            let task = match tasks.put(spec) {
                // It has failed and says why; the others run.
                Err(task::Error::Unusable(_)) => continue,
                put => put.with_context(|| format!("task {name}"))?,
            };
            if task.state == task::TaskState::NotStarted {
                tasks.start(&name).with_context(|| format!("task {name}"))?;
            }
        }
        for group in &groups {
            catalog.put_group(group).with_context(|| format!("group {}", group.name))?;
        }
        Ok(())
    })
    .await
    .context("creating the configured tasks ended early")?
}
