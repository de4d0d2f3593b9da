//! What people decide when a task cannot go on by itself: to read on elsewhere, to try a table again or
//! leave it out, to leave out one event. Each decision is durable before anything follows from it, and
//! whatever leaves changes out becomes a gap.

use std::collections::BTreeMap;
use std::sync::Arc;

use capture::{Source, SourceError};
use catalog::{BadEvent, Desired, Gap, HeldTable, NewGap, StartAt, TableChoice};
use change::{Position, TaskName, UnixTime};

use crate::error::Error;
use crate::state::{Reason, TaskState, TaskView};
use crate::task::Task;
use crate::tasks::{Tasks, wrong_state};

/// What an act would do, for people who are asked whether it shall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// In one sentence.
    pub summary: String,
    /// What would be left out, if anything.
    pub gap: Option<PlannedGap>,
}

/// What an act would leave out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedGap {
    /// The code of what led to it.
    pub cause: String,
    /// The only table that would lack changes, as `database.table`.
    pub table: Option<String>,
    /// Place of the only event that would be left out.
    pub event: Option<String>,
    /// What was delivered last before.
    pub from: Option<Position>,
    /// Source time of that.
    pub from_time: Option<UnixTime>,
    /// Where reading would go on, as far as it is known.
    pub to: Option<String>,
}

/// What becomes of a table that is held back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableAct {
    /// Deliver what was held back; the text, if any, is a CREATE TABLE statement that says how the table
    /// was defined where its rows were held back first.
    Retry(Option<String>),
    /// Leave out what was held back.
    Skip,
}

/// A tracked table, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackedTable {
    /// `database.table`.
    pub name: String,
    /// Why it is held back, if it is.
    pub held: Option<HeldTable>,
}

/// The cause of a gap that nothing had led to.
const CHOSEN: &str = "start_elsewhere";

impl Tasks {
    /// What [`Tasks::start_at`] would do.
    ///
    /// # Errors
    /// As of that, save for a gap that is not accepted.
    pub fn plan_start_at(&self, name: &TaskName, start: &StartAt) -> Result<Plan, Error> {
        let task = self.find(name)?;
        self.check_start(&task, start)?;
        let progress = task.appender().progress();
        let Some(from) = progress.position.filter(|from| !is_at(start, from)) else {
            return Ok(Plan { summary: format!("task {name} starts at {start}"), gap: None });
        };
        let time = progress.time.map(|time| StartAt::Time(time).to_string());
        let time = time.as_deref().unwrap_or("an unknown time").trim_start_matches('@').to_owned();
        let summary = format!(
            "task {name} has read its source up to {from}, of {time}, and would read on at {start}: changes in between never come into topic {}, and what the topic has already may come again",
            task.spec().topic
        );
        let gap = PlannedGap {
            cause: cause(&task),
            table: None,
            event: None,
            from: Some(from),
            from_time: progress.time,
            to: Some(start.to_string()),
        };
        Ok(Plan { summary, gap: Some(gap) })
    }

    /// Starts a task and has it read its source from `start` on, although its log may say otherwise. The
    /// decision is kept until the log holds something from there.
    ///
    /// # Errors
    /// There is no such task, it runs, the source does not understand the start, or the task has read
    /// something already and `accept_gap` is not given.
    pub fn start_at(
        &self,
        name: &TaskName,
        start: &StartAt,
        accept_gap: bool,
        who: &str,
    ) -> Result<TaskView, Error> {
        let task = self.find(name)?;
        let _one_act = self.begin_act(&task)?;
        self.check_start(&task, start)?;
        let source = self.build_source(&task)?;
        let catalog = &self.shared().catalog;
        let cause = cause(&task);
        if task.appender().progress().position.is_some_and(|at| !is_at(start, &at)) && !accept_gap {
            return Err(gap_not_accepted(&task, start));
        }
        task.stop();
        let progress = task.appender().progress();
        match progress.position {
            Some(from) if !is_at(start, &from) => {
                let to = match start {
                    StartAt::At(position) => Some(position.clone()),
                    StartAt::Now | StartAt::Earliest | StartAt::Time(_) => None,
                };
                let gap = NewGap {
                    cause,
                    from: Some(from.clone()),
                    to,
                    from_time: progress.time,
                    to_time: None,
                    who: who.into(),
                };
                tracing::warn!(task = %name, %from, %start, who, "gap accepted");
                catalog.accept_gap(name, start, &from, &gap)?;
            }
            Some(_) => {}
            None => {
                let spec = catalog::TaskSpec { start: start.clone(), ..task.spec() };
                catalog.put_task(&spec)?;
                task.replace_spec(spec);
            }
        }
        self.run(&task, source)?;
        self.view(name)
    }

    /// The gaps of a task, newest first.
    ///
    /// # Errors
    /// There is no such task, or the catalog cannot be read.
    pub fn gaps(&self, name: &TaskName) -> Result<Vec<Gap>, Error> {
        self.must_exist(name)?;
        Ok(self.shared().catalog.gaps(name)?)
    }

    /// The tables that a task tracks, as far as they are known, and those that it holds back; by name.
    ///
    /// # Errors
    /// There is no such task, or the catalog cannot be read.
    pub fn tables(&self, name: &TaskName) -> Result<Vec<TrackedTable>, Error> {
        self.must_exist(name)?;
        let known = self.known_tables(name)?.into_iter();
        let mut tables: BTreeMap<String, Option<HeldTable>> =
            known.map(|(database, table)| (format!("{database}.{table}"), None)).collect();
        for held in self.shared().catalog.held_tables(name)? {
            tables.insert(full_name(&held), Some(held));
        }
        let tables = tables.into_iter().map(|(name, held)| TrackedTable { name, held });
        Ok(tables.collect())
    }

    /// The tables that a task holds back, by name.
    ///
    /// # Errors
    /// There is no such task, or the catalog cannot be read.
    pub fn held_tables(&self, name: &TaskName) -> Result<Vec<TrackedTable>, Error> {
        self.must_exist(name)?;
        let held = self.shared().catalog.held_tables(name)?.into_iter();
        Ok(held.map(|held| TrackedTable { name: full_name(&held), held: Some(held) }).collect())
    }

    /// What leaving out a table's held changes would do.
    ///
    /// # Errors
    /// There is no such task, or it does not hold the table back.
    pub fn plan_skip_table(&self, name: &TaskName, table: &str) -> Result<Plan, Error> {
        let task = self.find(name)?;
        let held = self.held(name, table)?;
        let progress = task.appender().progress();
        let to = progress.position.as_ref().map(ToString::to_string);
        let summary = format!(
            "changes of {table} from {} up to {} would never come into topic {}; later ones would",
            held.from,
            to.as_deref().unwrap_or("where the source stands"),
            task.spec().topic
        );
        let gap = PlannedGap {
            cause: held.code,
            table: Some(table.into()),
            event: None,
            from: Some(held.from),
            from_time: None,
            to,
        };
        Ok(Plan { summary, gap: Some(gap) })
    }

    /// Decides about a table that is held back. A running source is started again, so that it follows.
    ///
    /// # Errors
    /// There is no such task, or it does not hold the table back.
    pub fn decide_table(
        &self,
        name: &TaskName,
        table: &str,
        act: &TableAct,
        who: &str,
    ) -> Result<TaskView, Error> {
        let task = self.find(name)?;
        let _one_act = self.begin_act(&task)?;
        let held = self.held(name, table)?;
        let (database, own) = (held.database.as_str(), held.table.as_str());
        let catalog = &self.shared().catalog;
        match act {
            TableAct::Retry(definition) => {
                if held.choice == TableChoice::Skip {
                    return Err(Error::Conflict(format!(
                        "{table} is being skipped; that is on its way and cannot be taken back"
                    )));
                }
                catalog.retry_table(name, database, own, definition.as_deref())?;
            }
            TableAct::Skip => {
                let progress = task.appender().progress();
                let gap = NewGap {
                    cause: held.code.clone(),
                    from: Some(held.from.clone()),
                    to: progress.position,
                    from_time: None,
                    to_time: progress.time,
                    who: who.into(),
                };
                tracing::warn!(task = %name, table, from = %held.from, who, "held rows left out");
                catalog.skip_table(name, database, own, &gap)?;
            }
        }
        if task.state().is_running() {
            let source = self.build_source(&task)?;
            task.stop();
            self.run(&task, source)?;
        }
        self.view(name)
    }

    /// The event at which a task cannot go on.
    ///
    /// # Errors
    /// There is no such task, or nothing that it cannot use.
    pub fn bad_event(&self, name: &TaskName) -> Result<BadEvent, Error> {
        let task = self.find(name)?;
        let event = self.shared().catalog.bad_event(name)?;
        // One that was read well in the end is of no interest.
        let event = event.filter(|_| !task.is_past_event());
        event.ok_or_else(|| Error::NoEvent(name.to_string()))
    }

    /// What leaving out the event at `place` would do.
    ///
    /// # Errors
    /// As of [`Tasks::skip_event`].
    pub fn plan_skip_event(&self, name: &TaskName, place: &str) -> Result<Plan, Error> {
        let task = self.find(name)?;
        let event = self.event_at(name, place)?;
        let summary = format!(
            "the {} of {} bytes at {place} would be left out, with all changes in it, and nothing else; task {name} then goes on",
            event.kind, event.size
        );
        let progress = task.appender().progress();
        let gap = PlannedGap {
            cause: event.code,
            table: None,
            event: Some(event.place),
            from: progress.position,
            from_time: progress.time,
            to: None,
        };
        Ok(Plan { summary, gap: Some(gap) })
    }

    /// Leaves out the one event at which a task cannot go on, and has the task go on. `place` must be
    /// that of the event, so that nothing is left out that nobody has looked at.
    ///
    /// # Errors
    /// There is no such task, it has no such event, or its source cannot be built.
    pub fn skip_event(&self, name: &TaskName, place: &str, who: &str) -> Result<TaskView, Error> {
        let task = self.find(name)?;
        let _one_act = self.begin_act(&task)?;
        let event = self.event_at(name, place)?;
        let source = self.build_source(&task)?;
        tracing::warn!(task = %name, place, kind = %event.kind, who, "event is to be left out");
        self.shared().catalog.skip_event(name, &event, who)?;
        task.stop();
        self.run(&task, source)?;
        self.view(name)
    }

    /// Wants a task to run, whatever it failed for, and starts it.
    pub(crate) fn run(&self, task: &Arc<Task>, source: Box<dyn Source>) -> Result<(), Error> {
        let catalog = &self.shared().catalog;
        catalog.set_failure(task.name(), None)?;
        catalog.set_desired(task.name(), Desired::Running)?;
        self.start_with(task, source)
    }

    fn event_at(&self, name: &TaskName, place: &str) -> Result<BadEvent, Error> {
        let event = self.bad_event(name)?;
        if event.place == place {
            return Ok(event);
        }
        Err(Error::Conflict(format!(
            "task {name} cannot use the event at {}, not one at {place:?}; look at it again, and give exactly its place",
            event.place
        )))
    }

    fn held(&self, name: &TaskName, table: &str) -> Result<HeldTable, Error> {
        let held = self.shared().catalog.held_tables(name)?;
        held.into_iter().find(|held| full_name(held) == table).ok_or_else(|| Error::NotHeld {
            task: name.to_string(),
            table: table.chars().take(200).collect(),
        })
    }

    /// Whether a task may be started elsewhere now, and its source understands where.
    fn check_start(&self, task: &Task, start: &StartAt) -> Result<(), Error> {
        let runs =
            matches!(task.state(), TaskState::Prechecking | TaskState::Initial | TaskState::Normal);
        if runs {
            return Err(wrong_state(task, "started elsewhere before it was paused"));
        }
        self.understands(&task.spec().source, start)
    }
}

/// `database.table`.
fn full_name(held: &HeldTable) -> String {
    format!("{}.{}", held.database, held.table)
}

/// Whether a start is where the log ends anyway.
fn is_at(start: &StartAt, end: &Position) -> bool {
    matches!(start, StartAt::At(position) if position == end)
}

/// What led to a decision to read on elsewhere.
fn cause(task: &Task) -> String {
    let failed = matches!(task.state(), TaskState::Failed | TaskState::Error);
    let reason: Option<Reason> = task.reason().filter(|_| failed);
    reason.map_or_else(|| CHOSEN.into(), |reason| reason.code)
}

fn gap_not_accepted(task: &Task, start: &StartAt) -> Error {
    let position = task.appender().progress().position;
    Error::GapNotAccepted {
        task: task.name().to_string(),
        position: position.map(|position| position.to_string()).unwrap_or_default(),
        start: start.to_string(),
    }
}

/// A start that a source does not understand is the caller's fault.
pub(crate) fn not_understood(error: &SourceError) -> Error {
    Error::Invalid(format!("{}, or now, earliest, @TIME, @-1h", error.message))
}
