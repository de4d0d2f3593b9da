//! All tasks of a server: the use cases that people and programs call.
//!
//! Calls block (they touch the catalog, and wait for threads to end); async callers move them to a
//! blocking thread.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError, RwLock};

use capture::{
    CaptureOptions, CheckItem, CheckResult, DdlScope, NoQuarantine, OnTableError, Selection,
    Source, SourceError, Start,
};
use catalog::{Catalog, Desired, SourceSpec, StartAt, StatementScope, TaskSpec};
use change::{Clock, TaskName, TopicName};

use crate::error::Error;
use crate::history::{CatalogHistory, NoHistory};
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::state::{DataRange, Reason, TaskState, TaskView};
use crate::task::{Shared, Task};

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
}

impl Tasks {
    /// Opens the logs of all tasks in the catalog and starts those that should run.
    ///
    /// # Errors
    /// The catalog or a task's log cannot be used. A source that cannot be reached is no error.
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
        let tasks =
            Self { inner: Arc::new(Inner { shared, sources, topics, tasks: RwLock::default() }) };
        for catalog::Task { spec, desired, failure, .. } in kept {
            let task = tasks.open_task(spec)?;
            match (failure, desired) {
                (Some(failure), _) => task.enter(TaskState::Failed, Some(Reason::from(failure))),
                (None, Desired::Running) => {
                    if let Err(error) = tasks.start_task(&task) {
                        tracing::error!(task = %task.name(), %error, "task cannot start");
                        task.fail(reason_of(&error));
                    }
                }
                (None, Desired::Paused) => task.enter(TaskState::Stopped, None),
                (None, Desired::NotStarted) => {}
            }
        }
        Ok(tasks)
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
            Err(_) => self.create(spec),
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

    /// Starts a task that waits, was stopped or has failed.
    ///
    /// # Errors
    /// There is no such task, its state does not allow it, or its source cannot be built.
    pub fn start(&self, name: &TaskName) -> Result<TaskView, Error> {
        let task = self.find(name)?;
        let _one_act = self.begin_act(&task)?;
        if task.state().is_running() {
            return self.view(name);
        }
        if !task.state().allows_start() {
            return Err(wrong_state(&task, "started"));
        }
        let catalog = &self.inner.shared.catalog;
        task.stop();
        catalog.set_failure(name, None)?;
        catalog.set_desired(name, Desired::Running)?;
        self.start_task(&task)?;
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
        let task = self.find(name)?;
        let _one_act = self.begin_act(&task)?;
        let topic = task.spec().topic;
        self.inner.topics.closed(&topic);
        task.close();
        self.inner.shared.catalog.delete_task(name)?;
        self.inner.tasks.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        self.inner.shared.metrics.forget(name.as_str());
        let folder = self.inner.shared.settings.log_dir.join(name.as_str());
        log::durable::remove_folder(&folder).map_err(|source| Error::Remove { folder, source })
    }

    /// One task as it is now.
    ///
    /// # Errors
    /// There is no such task.
    pub fn view(&self, name: &TaskName) -> Result<TaskView, Error> {
        let task = self.find(name)?;
        Ok(self.view_of(&task))
    }

    /// All tasks as they are now, by name.
    #[must_use]
    pub fn views(&self) -> Vec<TaskView> {
        self.all().iter().map(|task| self.view_of(task)).collect()
    }

    /// How many tasks there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.all().len()
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

    /// Brings all gauges up to date.
    pub fn refresh_metrics(&self) {
        for task in self.all() {
            let (view, gauges) = task.view(String::new());
            self.inner.shared.metrics.show(&view, &gauges);
        }
    }

    /// Stops all tasks; when it returns, everything read is on disk and all logs are closed.
    pub fn shutdown(&self) {
        let tasks = self.all();
        for task in &tasks {
            task.ask_to_stop();
        }
        for task in &tasks {
            task.close();
        }
    }

    fn create(&self, spec: TaskSpec) -> Result<TaskView, Error> {
        let taken = self.all().into_iter().find(|task| task.spec().topic == spec.topic);
        if let Some(other) = taken {
            let topic = &spec.topic;
            return Err(Error::Conflict(format!("topic {topic} belongs to task {}", other.name())));
        }
        let name = spec.name.clone();
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
        let mut tasks = self.inner.tasks.write().unwrap_or_else(PoisonError::into_inner);
        tasks.insert(task.name().clone(), Arc::clone(&task));
        Ok(task)
    }

    fn start_task(&self, task: &Arc<Task>) -> Result<(), Error> {
        let spec = task.spec();
        let source = self.build_source(task)?;
        task.start(source, first_start(spec.start), spec.operations)
    }

    fn build_source(&self, task: &Task) -> Result<Box<dyn Source>, Error> {
        let spec = task.spec();
        let catalog = self.inner.shared.catalog.clone();
        let source = catalog
            .source(&spec.source)?
            .ok_or_else(|| Error::Invalid(format!("there is no source {}", spec.source)))?
            .spec;
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
            quarantine: Box::new(NoQuarantine),
        };
        self.inner
            .sources
            .build(&source, capture)
            .map_err(|error| Error::Source(Reason::from(&error)))
    }

    fn view_of(&self, task: &Task) -> TaskView {
        let source = self.inner.shared.catalog.source(&task.spec().source).ok().flatten();
        task.view(source.map(|s| s.spec.url).unwrap_or_default()).0
    }

    fn find(&self, name: &TaskName) -> Result<Arc<Task>, Error> {
        let tasks = self.inner.tasks.read().unwrap_or_else(PoisonError::into_inner);
        tasks.get(name).cloned().ok_or_else(|| Error::NotFound(name.to_string()))
    }

    /// Waits for the act that is under way, which may have deleted the task.
    fn begin_act<'t>(&self, task: &'t Arc<Task>) -> Result<MutexGuard<'t, ()>, Error> {
        let act = task.act.lock().unwrap_or_else(PoisonError::into_inner);
        let same = self.find(task.name()).is_ok_and(|found| Arc::ptr_eq(&found, task));
        if same { Ok(act) } else { Err(Error::NotFound(task.name().to_string())) }
    }

    fn all(&self) -> Vec<Arc<Task>> {
        let tasks = self.inner.tasks.read().unwrap_or_else(PoisonError::into_inner);
        tasks.values().cloned().collect()
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

fn selection_of(spec: &TaskSpec) -> Result<Selection, Error> {
    Selection::new(&spec.include, &spec.exclude).map_err(|error| Error::Invalid(error.to_string()))
}

/// Where a task starts whose log is empty.
fn first_start(start: StartAt) -> Start {
    match start {
        StartAt::Now => Start::Now,
        StartAt::Earliest => Start::Earliest,
        StartAt::Time(time) => Start::Time(time),
        StartAt::At(position) => Start::At(position),
    }
}

fn wrong_state(task: &Task, act: &'static str) -> Error {
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
