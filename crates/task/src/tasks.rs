//! All tasks of a server: the use cases that people and programs call.
//!
//! Calls block (they touch the catalog, and wait for threads to end); async callers move them to a
//! blocking thread.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use capture::{
    CaptureOptions, CheckItem, CheckResult, DdlScope, ErrorKind, Inspector, NoQuarantine,
    OnTableError, Selection, Source, SourceError, Start,
};
use catalog::{Catalog, Desired, SourceSpec, StartAt, StatementScope, TaskSpec};
use change::{Clock, Position, SourceName, TaskName, TopicName};

use crate::choices::not_understood;
use crate::error::Error;
use crate::history::{CatalogHistory, NoHistory};
use crate::metrics::{Gauges, Metrics};
use crate::quarantine::CatalogQuarantine;
use crate::settings::Settings;
use crate::state::{DataRange, Reason, TaskState, TaskView};
use crate::task::{Shared, Task};
use crate::unusable::Unusable;
use crate::verify::Verifications;

/// Builds sources. Implemented where databases are known by name.
pub trait Sources: Send + Sync + std::fmt::Debug {
    /// A source, not yet connected.
    ///
    /// # Errors
    /// The specification names a server or an option that cannot be used.
    fn build(
        &self,
        source: &SourceSpec,
        capture: CaptureOptions,
    ) -> Result<Box<dyn Source>, SourceError>;

    /// Whether a position could be one of this source's log, as far as its text tells.
    ///
    /// # Errors
    /// It could not; the message says what is wanted.
    fn understands(&self, source: &SourceSpec, position: &Position) -> Result<(), SourceError> {
        let _any = (source, position);
        Ok(())
    }

    /// What the rows of a source are asked by, to compare a log with them; not yet connected.
    ///
    /// # Errors
    /// As for [`Sources::build`], or a source of this kind cannot be asked.
    fn inspect(&self, source: &SourceSpec) -> Result<Box<dyn Inspector>, SourceError> {
        Err(SourceError::new(
            ErrorKind::Unsupported,
            "source_kind",
            format!(
                "source {} is of kind {}, whose rows cannot be asked for",
                source.name, source.kind
            ),
        ))
    }
}

/// Is told which topics can be read. Implemented where the broker is known.
pub trait Topics: Send + Sync + std::fmt::Debug {
    /// A topic's only partition can be read.
    fn opened(&self, task: &TaskName, topic: &TopicName, reader: log::Reader);
    /// A topic is going away.
    fn closed(&self, topic: &TopicName);
}

/// All tasks of a server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tasks {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Shared,
    sources: Arc<dyn Sources>,
    topics: Arc<dyn Topics>,
    tasks: RwLock<BTreeMap<TaskName, Arc<Task>>>,
    /// Tasks whose logs cannot be opened.
    unusable: RwLock<BTreeMap<TaskName, Unusable>>,
    verifications: Verifications,
}

impl Tasks {
    /// Opens the logs of all tasks in the catalog and starts those that should run.
    ///
    /// # Errors
    /// The catalog cannot be used. A source that cannot be reached is no error, nor a log that cannot be
    /// opened: its task has failed, the others run.
    pub fn open(
        catalog: Catalog,
        settings: Settings,
        sources: Arc<dyn Sources>,
        topics: Arc<dyn Topics>,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Result<Self, Error> {
        let kept = catalog.tasks()?;
        let shared = Shared { settings: Arc::new(settings), clock, catalog, metrics };
        let inner = Inner {
            shared,
            sources,
            topics,
            tasks: RwLock::default(),
            unusable: RwLock::default(),
            verifications: Verifications::default(),
        };
        let tasks = Self { inner: Arc::new(inner) };
        tasks.open_all(kept);
        Ok(tasks)
    }

    /// Brings a task to where it was when the server stopped.
    pub(crate) fn enter_kept(
        &self,
        task: &Arc<Task>,
        desired: Desired,
        failure: Option<catalog::Failure>,
    ) {
        match (failure, desired) {
            (Some(failure), _) => task.enter(TaskState::Failed, Some(Reason::from(failure))),
            (None, Desired::Running) => match self.start_task(task) {
                Ok(()) => return,
                Err(error) => {
                    tracing::error!(task = %task.name(), %error, "task cannot start");
                    task.fail(reason_of(&error));
                }
            },
            (None, Desired::Paused) => return task.enter(TaskState::Stopped, None),
            (None, Desired::NotStarted) => return,
        }
        if let Err(error) = task.start_waiting() {
            tracing::error!(task = %task.name(), %error, "the topic is not kept alive");
        }
    }

    pub(crate) fn set_aside(&self, spec: TaskSpec, error: &Error) {
        tracing::error!(task = %spec.name, %error, "the log of a task cannot be opened");
        let unusable = Unusable::new(spec, error, self.inner.shared.clock.now());
        write(&self.inner.unusable).insert(unusable.spec.name.clone(), unusable);
    }

    /// Creates a task, or replaces what may be replaced of an existing one: its title, tables, kinds
    /// of records and retention. The same specification again changes nothing.
    ///
    /// # Errors
    /// The specification is wrong, another task has the topic, or it would change source or topic.
    pub fn put(&self, spec: TaskSpec) -> Result<TaskView, Error> {
        selection_of(&spec)?;
        match self.find(&spec.name) {
            Ok(task) => self.replace(&task, spec),
            Err(Error::NotFound(_)) => self.create(spec),
            Err(error) => Err(error),
        }
    }

    /// Whether a source can be built: its kind and URL are known. Connects to nothing.
    ///
    /// # Errors
    /// It cannot.
    pub fn check_source(&self, source: &SourceSpec) -> Result<(), Error> {
        self.inner
            .sources
            .build(source, nothing_tracked())
            .map(drop)
            .map_err(|error| Error::Invalid(error.message))
    }

    /// Looks, read-only, whether a task's source is fit for capture; a task that waits gets the state
    /// that follows.
    ///
    /// # Errors
    /// There is no such task, or its source cannot be built.
    pub fn precheck(&self, name: &TaskName) -> Result<Vec<CheckItem>, Error> {
        let task = self.find(name)?;
        let waiting = task.state().allows_start();
        let mut source = self.build_source(&task)?;
        if waiting {
            task.enter(TaskState::Prechecking, None);
        }
        let items = source.check();
        if waiting {
            let failed = items.iter().find(|item| item.result == CheckResult::Failed);
            match failed {
                Some(item) => task.enter(TaskState::PrecheckFailed, Some(precheck_failed(item))),
                None => task.enter(TaskState::NotStarted, None),
            }
        }
        Ok(items)
    }

    /// Starts a task that waits, was stopped or has failed. One whose log could not be opened is opened
    /// again first.
    ///
    /// # Errors
    /// There is no such task, its state does not allow it, or its source cannot be built.
    pub fn start(&self, name: &TaskName) -> Result<TaskView, Error> {
        self.open_again(name)?;
        let task = self.find(name)?;
        let _one_act = self.begin_act(&task)?;
        if task.state().is_running() {
            return self.view(name);
        }
        if !task.state().allows_start() {
            return Err(wrong_state(&task, "started"));
        }
        let source = self.build_source(&task)?;
        task.stop();
        self.run(&task, source)?;
        self.view(name)
    }

    /// Stops reading the source; the log stays and can be read.
    ///
    /// # Errors
    /// There is no such task, or it never ran.
    pub fn pause(&self, name: &TaskName) -> Result<TaskView, Error> {
        let task = self.find(name)?;
        let _one_act = self.begin_act(&task)?;
        if matches!(task.state(), TaskState::Prechecking | TaskState::NotStarted) {
            return Err(wrong_state(&task, "paused"));
        }
        let catalog = &self.inner.shared.catalog;
        catalog.set_desired(name, Desired::Paused)?;
        catalog.set_failure(name, None)?;
        task.stop();
        task.enter(TaskState::Stopped, None);
        self.view(name)
    }

    /// Deletes a task with its log, groups and checkpoints.
    ///
    /// # Errors
    /// There is no such task, or its files cannot be removed.
    pub fn delete(&self, name: &TaskName) -> Result<(), Error> {
        // The log goes first: a kill in between leaves a task without a log, which says so. A log without
        // its task would be taken for that of the next task of this name.
        if write(&self.inner.unusable).contains_key(name) {
            self.remove_files(name)?;
            self.inner.shared.catalog.delete_task(name)?;
            write(&self.inner.unusable).remove(name);
            return Ok(());
        }
        let task = self.find(name)?;
        let _one_act = self.begin_act(&task)?;
        let topic = task.spec().topic;
        self.inner.verifications.end(Some(name));
        self.inner.topics.closed(&topic);
        task.close();
        self.remove_files(name)?;
        self.inner.shared.catalog.delete_task(name)?;
        write(&self.inner.tasks).remove(name);
        Ok(())
    }

    fn remove_files(&self, name: &TaskName) -> Result<(), Error> {
        self.inner.shared.metrics.forget(name.as_str());
        let folder = self.inner.shared.settings.log_dir.join(name.as_str());
        log::durable::remove_folder(&folder).map_err(|source| Error::Remove { folder, source })
    }

    /// One task as it is now.
    ///
    /// # Errors
    /// There is no such task.
    pub fn view(&self, name: &TaskName) -> Result<TaskView, Error> {
        if let Some(unusable) = read(&self.inner.unusable).get(name) {
            return Ok(unusable.view(self.source_url(&unusable.spec.source)));
        }
        let task = self.find(name)?;
        Ok(self.view_of(&task))
    }

    /// All tasks as they are now, by name.
    #[must_use]
    pub fn views(&self) -> Vec<TaskView> {
        let mut views: Vec<_> = self.all().iter().map(|task| self.view_of(task)).collect();
        let unusable = read(&self.inner.unusable);
        let url = |unusable: &Unusable| self.source_url(&unusable.spec.source);
        views.extend(unusable.values().map(|unusable| unusable.view(url(unusable))));
        views.sort_by(|a, b| a.name.cmp(&b.name));
        views
    }

    /// Free bytes of the disk below which captures wait.
    #[must_use]
    pub fn min_free_bytes(&self) -> u64 {
        self.inner.shared.settings.min_free_bytes
    }

    /// How many tasks there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.all().len() + read(&self.inner.unusable).len()
    }

    /// What a task's topic holds; `None` while it is empty.
    ///
    /// # Errors
    /// There is no such task.
    pub fn data_range(&self, name: &TaskName) -> Result<Option<DataRange>, Error> {
        Ok(self.find(name)?.data_range())
    }

    /// The reader of a task's log.
    ///
    /// # Errors
    /// There is no such task.
    pub fn reader(&self, name: &TaskName) -> Result<log::Reader, Error> {
        Ok(self.find(name)?.reader().clone())
    }

    /// How long a task keeps a record; for ever when `None`. Where its log has a bound in bytes, records
    /// may go earlier.
    ///
    /// # Errors
    /// There is no such task.
    pub fn retention(&self, name: &TaskName) -> Result<Option<Duration>, Error> {
        let task = self.find(name)?;
        Ok(crate::task::retention(&task.spec(), &self.inner.shared.settings).age)
    }

    /// Brings all gauges up to date.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn refresh_metrics(&self) -> Result<(), Error> {
        let Shared { metrics, catalog, .. } = &self.inner.shared;
        for task in self.all() {
            let (view, gauges) = task.view(String::new());
            let held = catalog.held_tables(task.name())?;
            let known = self.known_tables(task.name())?.len();
            metrics.show(&view, &gauges);
            metrics.show_tables(&view.name, held.len(), known);
            metrics.show_gaps(&view.name, &catalog.gap_counts(task.name())?);
            // A counter that is there before it counts can be alerted on.
            let failed = view.reason.filter(|_| view.state == TaskState::Failed);
            let awaited = held.into_iter().map(|held| held.code).chain(failed.map(|why| why.code));
            metrics.expect_gaps(&view.name, awaited);
        }
        for unusable in read(&self.inner.unusable).values() {
            metrics.show(&unusable.view(String::new()), &Gauges::default());
        }
        Ok(())
    }

    /// Stops all tasks; when it returns, everything read is on disk and all logs are closed.
    pub fn shutdown(&self) {
        self.inner.verifications.end(None);
        let tasks = self.all();
        for task in &tasks {
            task.ask_to_stop();
        }
        for task in &tasks {
            task.close();
        }
    }

    fn create(&self, spec: TaskSpec) -> Result<TaskView, Error> {
        let taken = self.views().into_iter().find(|task| task.topic == spec.topic.as_str());
        if let Some(other) = taken {
            let topic = &spec.topic;
            return Err(Error::Conflict(format!("topic {topic} belongs to task {}", other.name)));
        }
        self.understands(&spec.source, &spec.start)?;
        let name = spec.name.clone();
        let folder = self.inner.shared.settings.partition_dir(&name);
        let unlooked = |source| Error::Log { task: name.to_string(), source };
        if log::Partition::exists(&folder).map_err(unlooked)? {
            return Err(Error::LogOfNobody { task: name.to_string(), folder });
        }
        self.inner.shared.catalog.put_task(&spec)?;
        self.open_task(spec)?;
        self.view(&name)
    }

    fn replace(&self, task: &Arc<Task>, spec: TaskSpec) -> Result<TaskView, Error> {
        let _one_act = self.begin_act(task)?;
        let old = task.spec();
        if old.source != spec.source || old.topic != spec.topic {
            return Err(Error::Conflict(format!(
                "task {} reads source {} into topic {}; neither can change, delete the task first",
                spec.name, old.source, old.topic
            )));
        }
        let spec = TaskSpec { start: old.start.clone(), ..spec };
        if spec != old {
            // A file's line number may move without anything else.
            let is_the_same = TaskSpec { owner: old.owner.clone(), ..spec.clone() } == old;
            self.inner.shared.catalog.put_task(&spec)?;
            task.replace_spec(spec);
            if task.state().is_running() && !is_the_same {
                task.stop();
                self.start_task(task)?;
            }
        }
        Ok(self.view_of(task))
    }

    fn open_task(&self, spec: TaskSpec) -> Result<Arc<Task>, Error> {
        let topic = spec.topic.clone();
        let task = Task::open(spec, self.inner.shared.clone())?;
        self.inner.topics.opened(task.name(), &topic, task.reader().clone());
        write(&self.inner.tasks).insert(task.name().clone(), Arc::clone(&task));
        Ok(task)
    }

    /// Opens the log of a task that was there before. One that was started has had a log: where that is
    /// gone, a new one in its place would hide that changes are missing.
    pub(crate) fn open_kept(&self, spec: TaskSpec, desired: Desired) -> Result<Arc<Task>, Error> {
        let folder = self.inner.shared.settings.partition_dir(&spec.name);
        let unlooked = |source| Error::Log { task: spec.name.to_string(), source };
        if desired != Desired::NotStarted && !log::Partition::exists(&folder).map_err(unlooked)? {
            return Err(Error::LogGone { task: spec.name.to_string(), folder });
        }
        self.open_task(spec)
    }

    /// Tries again to open a log that could not be opened.
    fn open_again(&self, name: &TaskName) -> Result<(), Error> {
        let Some(Unusable { spec, .. }) = read(&self.inner.unusable).get(name).cloned() else {
            return Ok(());
        };
        let kept = self.inner.shared.catalog.task(name)?;
        let desired = kept.map_or(Desired::NotStarted, |task| task.desired);
        match self.open_kept(spec.clone(), desired) {
            Ok(task) => {
                write(&self.inner.unusable).remove(name);
                task.enter(TaskState::Stopped, None);
                Ok(())
            }
            Err(error) => {
                self.set_aside(spec, &error);
                Err(error)
            }
        }
    }

    fn start_task(&self, task: &Arc<Task>) -> Result<(), Error> {
        let source = self.build_source(task)?;
        self.start_with(task, source)
    }

    pub(crate) fn start_with(
        &self,
        task: &Arc<Task>,
        source: Box<dyn Source>,
    ) -> Result<(), Error> {
        let spec = task.spec();
        task.start(source, started_at(spec.start), spec.operations)
    }

    /// Whether a source understands a start.
    pub(crate) fn understands(&self, source: &SourceName, start: &StartAt) -> Result<(), Error> {
        let StartAt::At(position) = start else { return Ok(()) };
        let Some(source) = self.inner.shared.catalog.source(source)? else { return Ok(()) };
        let understood = self.inner.sources.understands(&source.spec, position);
        understood.map_err(|error| not_understood(&error))
    }

    pub(crate) fn build_source(&self, task: &Task) -> Result<Box<dyn Source>, Error> {
        let spec = task.spec();
        let catalog = self.inner.shared.catalog.clone();
        let source = catalog
            .source(&spec.source)?
            .ok_or_else(|| Error::Invalid(format!("there is no source {}", spec.source)))?
            .spec;
        let quarantine = CatalogQuarantine {
            catalog: catalog.clone(),
            task: spec.name.clone(),
            clock: Arc::clone(&self.inner.shared.clock),
        };
        let capture = CaptureOptions {
            selection: selection_of(&spec)?,
            ddl_scope: match spec.statements {
                StatementScope::Instance => DdlScope::Instance,
                StatementScope::Tracked => DdlScope::Tracked,
            },
            on_table_error: match spec.on_table_error {
                catalog::OnTableError::Quarantine => OnTableError::Quarantine,
                catalog::OnTableError::Stop => OnTableError::Stop,
            },
            history: Box::new(CatalogHistory { catalog, task: spec.name.clone() }),
            quarantine: Box::new(quarantine),
        };
        self.inner
            .sources
            .build(&source, capture)
            .map_err(|error| Error::Source(Reason::of(&error, &spec.name)))
    }

    fn view_of(&self, task: &Task) -> TaskView {
        task.view(self.source_url(&task.spec().source)).0
    }

    fn source_url(&self, source: &SourceName) -> String {
        let source = self.inner.shared.catalog.source(source).ok().flatten();
        source.map(|kept| kept.spec.url).unwrap_or_default()
    }

    pub(crate) fn build_inspector(&self, task: &Task) -> Result<Box<dyn Inspector>, Error> {
        let name = task.spec().source;
        let source = self.inner.shared.catalog.source(&name)?;
        let source = source.ok_or_else(|| Error::Invalid(format!("there is no source {name}")))?;
        let inspector = self.inner.sources.inspect(&source.spec);
        inspector.map_err(|error| Error::Source(Reason::of(&error, task.name())))
    }

    pub(crate) fn verifications(&self) -> &Verifications {
        &self.inner.verifications
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.inner.shared.clock)
    }

    pub(crate) fn find(&self, name: &TaskName) -> Result<Arc<Task>, Error> {
        if let Some(unusable) = read(&self.inner.unusable).get(name) {
            return Err(Error::Unusable(unusable.reason.clone()));
        }
        read(&self.inner.tasks).get(name).cloned().ok_or_else(|| Error::NotFound(name.to_string()))
    }

    /// Refuses a name that no task has; one whose log cannot be opened will do.
    pub(crate) fn must_exist(&self, name: &TaskName) -> Result<(), Error> {
        match self.find(name) {
            Ok(_) | Err(Error::Unusable(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The tracked tables that the schema history knows.
    pub(crate) fn known_tables(&self, name: &TaskName) -> Result<Vec<(String, String)>, Error> {
        let catalog = &self.inner.shared.catalog;
        let Some(task) = catalog.task(name)? else { return Ok(Vec::new()) };
        let selection = selection_of(&task.spec)?;
        let mut known = catalog.known_tables(name)?;
        known.retain(|(database, table)| selection.tracks(database, table));
        Ok(known)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    /// Waits for the act that is under way, which may have deleted the task.
    pub(crate) fn begin_act<'t>(&self, task: &'t Arc<Task>) -> Result<MutexGuard<'t, ()>, Error> {
        let act = task.act.lock().unwrap_or_else(PoisonError::into_inner);
        let same = self.find(task.name()).is_ok_and(|found| Arc::ptr_eq(&found, task));
        if same { Ok(act) } else { Err(Error::NotFound(task.name().to_string())) }
    }

    fn all(&self) -> Vec<Arc<Task>> {
        read(&self.inner.tasks).values().cloned().collect()
    }
}

/// For a source that is only looked at.
fn nothing_tracked() -> CaptureOptions {
    CaptureOptions {
        selection: Selection::default(),
        ddl_scope: DdlScope::default(),
        on_table_error: OnTableError::default(),
        history: Box::new(NoHistory),
        quarantine: Box::new(NoQuarantine),
    }
}

pub(crate) fn selection_of(spec: &TaskSpec) -> Result<Selection, Error> {
    Selection::new(&spec.include, &spec.exclude).map_err(|error| Error::Invalid(error.to_string()))
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// A start in the words of sources.
pub(crate) fn started_at(start: StartAt) -> Start {
    match start {
        StartAt::Now => Start::Now,
        StartAt::Earliest => Start::Earliest,
        StartAt::Time(time) => Start::Time(time),
        StartAt::At(position) => Start::At(position),
    }
}

pub(crate) fn wrong_state(task: &Task, act: &'static str) -> Error {
    Error::WrongState { task: task.name().to_string(), state: task.state(), act }
}

fn precheck_failed(item: &CheckItem) -> Reason {
    let message = match item.wanted.as_str() {
        "" => format!("{}: {}", item.name, item.found),
        wanted => format!("{}: found {}, needs {wanted}", item.name, item.found),
    };
    Reason {
        code: "precheck_failed".into(),
        message,
        remedy: item
            .remedy
            .iter()
            .map(|r| if r.sql.is_empty() { r.title.clone() } else { r.sql.clone() })
            .collect(),
    }
}

fn reason_of(error: &Error) -> Reason {
    match error {
        Error::Source(reason) => reason.clone(),
        other => {
            Reason { code: "cannot_start".into(), message: other.to_string(), remedy: Vec::new() }
        }
    }
}
