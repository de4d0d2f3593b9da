//! The command line as clap reads it: nouns, verbs and flags, nothing else.
//!
//! What is typed is turned into meaning by the command that owns it.

mod backup;
mod code;
mod log;

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use backup::{BackupCreate, BackupRestore, BackupVerb, ClusterId};
pub(crate) use code::{CodeArgs, GroupShow};
pub(crate) use log::{LogDump, LogVerb};

/// Taps the change log of MySQL or MariaDB and serves it over the Kafka protocol.
#[derive(Debug, Parser)]
#[command(
    name = "wellhead",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
#[command(after_help = "Exit codes: 0 ok, 1 internal error, 2 wrong usage or configuration, \
    3 environment (unreachable, taken, forbidden), 4 asked and the answer is bad.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Flags that every verb takes, before or behind it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Configuration file
    #[arg(short = 'c', long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data folder of the server, where its admin.sock is
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Address of a server elsewhere, like https://wh.internal:8090
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// File with the token for --url
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// File with the authorities to trust where --url begins with https://, else those of the system
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) url_ca: Option<PathBuf>,
    /// Form of the answer; tail and log dump also know pretty and hex
    #[arg(short = 'o', long, global = true, value_enum, value_name = "FORMAT")]
    pub(crate) output: Option<Format>,
    /// How long to wait for an answer, like 30s
    #[arg(long, global = true, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// Do not ask before destroying something
    #[arg(short = 'y', long, global = true)]
    pub(crate) yes: bool,
    /// Say nothing but data and errors
    #[arg(short = 'q', long, global = true)]
    pub(crate) quiet: bool,
    /// Say more
    #[arg(short = 'v', long, global = true)]
    pub(crate) verbose: bool,
}

/// Form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For people with wide terminals.
    Wide,
    /// One object with `command`, `ok`, `summary`, `result`, `error`; for tail one object a record.
    Json,
    /// One object a line and item, without the envelope.
    Jsonl,
    /// A line for people (tail, log dump).
    Pretty,
    /// The record's bytes (tail, log dump).
    Hex,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run the server as its configuration describes it
    Serve(ServeArgs),
    /// Tap one database now: one source, one task, one topic, loopback only
    Tap(TapArgs),
    /// Show the records of a task, or of the tables that a pattern like 'shop.*' names
    Tail(TailArgs),
    /// Print a working consumer of a task, filled in
    Code(CodeArgs),
    /// Look, read-only, whether a database can be tapped, and say what would mend it
    Check(CheckArgs),
    /// Prove that the log of a task says what its source says, while both go on
    Verify(VerifyArgs),
    /// Ask a running server whether it serves
    Health,
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Change tracking tasks
    #[command(subcommand)]
    Task(TaskVerb),
    /// Consumer groups of a task
    #[command(subcommand)]
    Group(GroupVerb),
    /// The files of logs, read-only: without a server, beside one, on a copy
    #[command(subcommand)]
    Log(LogVerb),
    /// Copies of the data folder
    #[command(subcommand)]
    Backup(BackupVerb),
    /// Print the version
    Version,
}

/// `wellhead serve`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    /// Configuration file
    #[arg(short = 'c', long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data folder, over server.data_dir of the configuration
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Address for Kafka clients, over kafka.listen of the configuration
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) kafka: Option<String>,
    /// Address of the API, over http.listen of the configuration
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) http: Option<String>,
}

/// Where `tap` keeps its data, and where the other verbs look for a server first.
pub(crate) const TAP_DATA_DIR: &str = "./wellhead-data";

/// `wellhead tap URL`.
#[derive(Debug, Clone, Args)]
pub(crate) struct TapArgs {
    /// The database, like mysql://user:password@host:3306/shop
    #[arg(id = "source_url", value_name = "URL")]
    pub(crate) url: String,
    /// Data folder; started again on it, tap goes on where it was
    #[arg(long, value_name = "DIR", default_value = TAP_DATA_DIR)]
    pub(crate) data_dir: PathBuf,
    /// Address for Kafka clients, on loopback
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9092")]
    pub(crate) kafka: SocketAddr,
    /// Address of the API, on loopback
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8090")]
    pub(crate) http: SocketAddr,
    /// Patterns of tables to track, like 'shop.*'; the URL's database when not given
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub(crate) tables: Vec<String>,
    /// Patterns of tables to leave out
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub(crate) exclude: Vec<String>,
    /// Name of the topic; the task's name when not given
    #[arg(long)]
    pub(crate) topic: Option<String>,
    /// Name of the task; the database's name when not given
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Where to start: now, earliest, @1712905965, @2026-11-21T04:00:00Z, @-1h, FILE:OFFSET, gtid=SET
    #[arg(long, default_value = "now", value_name = "POSITION")]
    pub(crate) start: String,
    /// disable, prefer, require, verify-ca or verify-full
    #[arg(long, value_name = "MODE")]
    pub(crate) tls: Option<String>,
    /// PEM file with the certificate authorities to trust
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
}

/// `wellhead tail TASK|PATTERN`.
#[derive(Debug, Clone, Args)]
pub(crate) struct TailArgs {
    /// A task's name, or a pattern of tables over all tasks, like 'shop.orders'
    #[arg(value_name = "TASK|PATTERN")]
    pub(crate) target: String,
    /// Go on with new records until Ctrl-C
    #[arg(short = 'f', long)]
    pub(crate) follow: bool,
    /// How many records: the last ones, or with --start the first ones from there
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) count: Option<usize>,
    /// From where: start, end, now, +N, -N, OFFSET, @1712905965, @2026-11-21T04:00:00Z or @-1h
    #[arg(short = 's', long, value_name = "POSITION", allow_hyphen_values = true)]
    pub(crate) start: Option<String>,
    /// Kinds of records, like insert,update,delete,ddl; all but heartbeats when not given
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub(crate) op: Vec<String>,
    /// Only records of tables that match this pattern
    #[arg(long, value_name = "PATTERN")]
    pub(crate) table: Option<String>,
}

/// `wellhead check URL|SOURCE`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CheckArgs {
    /// A database, like mysql://user@host:3306/shop, or a source of the configuration
    #[arg(value_name = "URL|SOURCE")]
    pub(crate) target: String,
    /// File with the password, where the URL has none
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Patterns of tables to look at, like 'shop.*'
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub(crate) tables: Vec<String>,
    /// Patterns of tables to leave out
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub(crate) exclude: Vec<String>,
    /// disable, prefer, require, verify-ca or verify-full
    #[arg(long, value_name = "MODE")]
    pub(crate) tls: Option<String>,
    /// PEM file with the certificate authorities to trust
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
}

/// `wellhead verify TASK`.
#[derive(Debug, Clone, Args)]
pub(crate) struct VerifyArgs {
    /// The task
    #[arg(value_name = "TASK")]
    pub(crate) task: String,
    /// Only tables that match this pattern, like 'shop.orders'; may be given several times
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub(crate) table: Vec<String>,
    /// Compare only this share of the rows, like 5%; the same ones each time
    #[arg(long, value_name = "N%", value_parser = percent)]
    pub(crate) sample: Option<f64>,
    /// Show the values that differ, not only their columns
    #[arg(long)]
    pub(crate) values: bool,
    /// How many differences are listed; all are counted
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,
}

/// `wellhead config …`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Look for faults, all at once
    Validate {
        /// Leave ${env:…}, ${file:…} and password files alone, where they are not there
        #[arg(long)]
        no_secrets: bool,
    },
    /// Print the effective configuration, each key with where it comes from
    Show,
    /// Let the running server read it again, and use what can be used without a restart
    Reload,
}

/// `wellhead task …`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum TaskVerb {
    /// All tasks
    List,
    /// One task
    Show(TaskName),
    /// Create a task, or change what may change of an existing one
    Create(Box<TaskCreate>),
    /// Start a task that waits, was paused or has failed, where its log ends or elsewhere
    Start(TaskStartArgs),
    /// Stop reading the source; the topic stays and can be read
    Pause(TaskName),
    /// Go on where a paused task stood
    Resume(TaskName),
    /// The tables of a task, and what becomes of one that is held back
    Table(TaskTable),
    /// Show the event at which a task cannot go on, or leave it out
    Event(TaskEvent),
    /// Delete a task with its topic, groups and checkpoints
    Delete(TaskDelete),
}

/// The name of a task.
#[derive(Debug, Clone, Args)]
pub(crate) struct TaskName {
    /// The task
    #[arg(value_name = "TASK")]
    pub(crate) name: String,
}

/// `wellhead task delete`.
#[derive(Debug, Clone, Args)]
pub(crate) struct TaskDelete {
    #[command(flatten)]
    pub(crate) task: TaskName,
    /// Say what would be destroyed, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `wellhead task start`.
#[derive(Debug, Clone, Args)]
pub(crate) struct TaskStartArgs {
    /// The task
    #[arg(value_name = "TASK")]
    pub(crate) name: String,
    /// Read on there and not where its log ends: now, earliest, @1712905965, @2026-11-21T04:00:00Z,
    /// @-1h, FILE:OFFSET, gtid=SET
    #[arg(long, value_name = "POSITION")]
    pub(crate) start: Option<String>,
    /// Accept that changes are left out; the gap is recorded
    #[arg(long)]
    pub(crate) accept_gap: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `wellhead task table`.
#[derive(Debug, Clone, Args)]
pub(crate) struct TaskTable {
    /// The task
    #[arg(value_name = "TASK")]
    pub(crate) name: String,
    /// One table; all when not given
    #[arg(value_name = "DB.TABLE")]
    pub(crate) table: Option<String>,
    /// What becomes of it, where it is held back
    #[arg(value_enum, value_name = "ACT", requires = "table")]
    pub(crate) act: Option<TableAct>,
    /// For retry: file with a CREATE TABLE statement that says how the table was defined where its rows
    /// were held back first
    #[arg(long, value_name = "FILE", requires = "act")]
    pub(crate) definition: Option<PathBuf>,
    /// For skip: say what would be left out, and do nothing
    #[arg(long, requires = "act")]
    pub(crate) dry_run: bool,
}

/// What becomes of a table that is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableAct {
    /// Deliver what was held back.
    Retry,
    /// Leave out what was held back; the gap is recorded.
    Skip,
}

/// `wellhead task event`.
#[derive(Debug, Clone, Args)]
pub(crate) struct TaskEvent {
    /// The task
    #[arg(value_name = "TASK")]
    pub(crate) name: String,
    /// Leave this one event out; the gap is recorded, with the event's first bytes
    #[arg(long)]
    pub(crate) skip: bool,
    /// With --skip: say what would be left out, and do nothing
    #[arg(long, requires = "skip")]
    pub(crate) dry_run: bool,
}

/// `wellhead task create`.
#[derive(Debug, Clone, Args)]
pub(crate) struct TaskCreate {
    /// The task
    #[arg(value_name = "TASK")]
    pub(crate) name: String,
    /// A source of the configuration, or a database like mysql://user@host:3306
    #[arg(long, value_name = "SOURCE|URL")]
    pub(crate) source: String,
    /// File with the database's password, where the URL has none
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// disable, prefer, require, verify-ca or verify-full
    #[arg(long, value_name = "MODE")]
    pub(crate) tls: Option<String>,
    /// PEM file with the certificate authorities to trust, on the server's machine
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Patterns of tables to track, like 'shop.*'; the URL's database when not given
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub(crate) tables: Vec<String>,
    /// Patterns of tables to leave out
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub(crate) exclude: Vec<String>,
    /// Where to start: now, earliest, @1712905965, @2026-11-21T04:00:00Z, @-1h, FILE:OFFSET, gtid=SET
    #[arg(long, value_name = "POSITION")]
    pub(crate) start: Option<String>,
    /// Definitions delivered: instance (the whole server's, the default) or tracked
    #[arg(long, value_name = "SCOPE")]
    pub(crate) ddl_scope: Option<String>,
    /// What becomes of a table whose rows cannot be decoded: quarantine (the default) or stop
    #[arg(long, value_name = "CHOICE")]
    pub(crate) on_table_error: Option<String>,
    /// Name of the topic; the task's name when not given
    #[arg(long)]
    pub(crate) topic: Option<String>,
    /// A name for people
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// Start by itself when the precheck has passed
    #[arg(long)]
    pub(crate) auto_start: bool,
}

/// `wellhead group …`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum GroupVerb {
    /// All groups, or those of one task
    List(GroupTask),
    /// One group, or a program that reads as it
    Show(GroupShow),
    /// Create a group, or give an existing one a new account and password
    Create(GroupCreate),
    /// Put a group at another place of its topic
    Seek(GroupSeek),
    /// Delete a group with its checkpoint
    Delete(GroupDelete),
}

/// The task of groups.
#[derive(Debug, Clone, Args)]
pub(crate) struct GroupTask {
    /// The task whose topic the groups read; all tasks when not given
    #[arg(long)]
    pub(crate) task: Option<String>,
}

/// A group of a task.
#[derive(Debug, Clone, Args)]
pub(crate) struct GroupName {
    /// The group
    #[arg(value_name = "GROUP")]
    pub(crate) name: String,
    /// The task whose topic the group reads
    #[arg(long)]
    pub(crate) task: String,
}

/// `wellhead group delete`.
#[derive(Debug, Clone, Args)]
pub(crate) struct GroupDelete {
    #[command(flatten)]
    pub(crate) group: GroupName,
    /// Say what would be destroyed, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `wellhead group seek`.
#[derive(Debug, Clone, Args)]
pub(crate) struct GroupSeek {
    #[command(flatten)]
    pub(crate) group: GroupName,
    /// start, end, now, +N, -N, an offset, @1712905965, @2026-11-21T04:00:00Z, @-1h, checkpoint
    #[arg(long, value_name = "PLACE", allow_hyphen_values = true)]
    pub(crate) to: String,
    /// Send live members away; they join again and go on there
    #[arg(long)]
    pub(crate) force: bool,
    /// Say where it would stand, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `wellhead group create`.
#[derive(Debug, Clone, Args)]
pub(crate) struct GroupCreate {
    /// The group
    #[arg(value_name = "GROUP")]
    pub(crate) name: String,
    /// The task whose topic the group reads
    #[arg(long)]
    pub(crate) task: String,
    /// 1 to 16 letters, digits, underscores; made from the group's name when not given
    #[arg(long)]
    pub(crate) account: Option<String>,
    /// File with the password; generated and shown once when not given
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Bytes a second that it may fetch, like 10MiB; kafka.limits.fetch_rate when not given
    #[arg(long, value_name = "BYTES", value_parser = fetch_rate)]
    pub(crate) fetch_rate: Option<NonZeroU64>,
}

impl Verb {
    /// The words that call it, as they stand in the JSON envelope.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Serve(_) => "serve",
            Self::Tap(_) => "tap",
            Self::Tail(_) => "tail",
            Self::Code(_) => "code",
            Self::Check(_) => "check",
            Self::Verify(_) => "verify",
            Self::Health => "health",
            Self::Version => "version",
            Self::Log(verb) => verb.name(),
            Self::Backup(verb) => verb.name(),
            Self::Config(ConfigVerb::Validate { .. }) => "config validate",
            Self::Config(ConfigVerb::Show) => "config show",
            Self::Config(ConfigVerb::Reload) => "config reload",
            Self::Task(verb) => match verb {
                TaskVerb::List => "task list",
                TaskVerb::Show(_) => "task show",
                TaskVerb::Create(_) => "task create",
                TaskVerb::Start(_) => "task start",
                TaskVerb::Pause(_) => "task pause",
                TaskVerb::Resume(_) => "task resume",
                TaskVerb::Table(_) => "task table",
                TaskVerb::Event(_) => "task event",
                TaskVerb::Delete(_) => "task delete",
            },
            Self::Group(verb) => match verb {
                GroupVerb::List(_) => "group list",
                GroupVerb::Show(_) => "group show",
                GroupVerb::Create(_) => "group create",
                GroupVerb::Seek(_) => "group seek",
                GroupVerb::Delete(_) => "group delete",
            },
        }
    }
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse::<f64>().ok();
    let within = number.filter(|percent| (0.01..=100.0).contains(percent));
    within.ok_or_else(|| format!("{text:?} is no share like 5% (0.01% to 100%)"))
}

fn fetch_rate(text: &str) -> Result<NonZeroU64, String> {
    crate::config::fetch_rate(text)?.ok_or_else(|| "it is a size, like 10MiB".into())
}

fn duration(text: &str) -> Result<Duration, String> {
    let bad = || format!("{text:?} is no time like 30s or 2m");
    let parsed: jiff::SignedDuration = text.parse().map_err(|_| bad())?;
    Duration::try_from(parsed).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Cli {
        Cli::try_parse_from(line.split(' ')).unwrap()
    }

    #[test]
    fn the_definitions_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_stand_before_or_behind_the_verb() {
        for line in ["wellhead -c a.toml task list -o json", "wellhead task list -o json -c a.toml"]
        {
            let Global { config, output, .. } = parse(line).global;
            assert_eq!((config, output), (Some("a.toml".into()), Some(Format::Json)), "{line}");
        }
    }

    #[test]
    fn serve_and_tap_see_flags_that_stand_before_them() {
        let Verb::Serve(serve) = parse("wellhead -c a.toml --data-dir d serve").verb else {
            panic!("not serve")
        };
        assert_eq!((serve.config, serve.data_dir), (Some("a.toml".into()), Some("d".into())));
        let Verb::Tap(tap) = parse("wellhead --data-dir d tap mysql://u@h/shop").verb else {
            panic!("not tap")
        };
        assert_eq!((tap.url.as_str(), tap.data_dir), ("mysql://u@h/shop", PathBuf::from("d")));
        let Verb::Tap(tap) = parse("wellhead tap mysql://u@h/shop").verb else { panic!("not tap") };
        assert_eq!(tap.data_dir, PathBuf::from("./wellhead-data"));
    }

    #[test]
    fn a_sample_is_a_share_in_percent() {
        let Verb::Verify(verify) = parse("wellhead verify shop --sample 2.5%").verb else {
            panic!("not verify")
        };
        assert_eq!((verify.sample, verify.limit), (Some(2.5), 100));
        for wrong in ["0%", "101%", "many"] {
            assert!(percent(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_start_may_begin_with_a_minus() {
        let Verb::Tail(tail) = parse("wellhead tail shop -s -5 -n 3").verb else {
            panic!("not tail")
        };
        assert_eq!((tail.start.as_deref(), tail.count), (Some("-5"), Some(3)));
    }

    #[test]
    fn a_time_limit_that_is_none_is_refused() {
        let error = Cli::try_parse_from(["wellhead", "health", "--timeout", "soon"]).unwrap_err();
        assert!(error.to_string().contains("\"soon\" is no time like 30s or 2m"), "{error}");
    }
}
