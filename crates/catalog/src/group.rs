//! Consumer groups: who may read a task's topic, and as whom (`dts.md` 3.2, 3.4, 7.5).

use std::num::{NonZeroU32, NonZeroU64};

use aws_lc_rs::rand;
use change::{GroupId, TaskName, TopicName, UnixTime};
use rusqlite::{OptionalExtension, Row, Transaction};

use crate::row::{parsed, time};
use crate::verifier::{ScramHash, check_password};
use crate::{Catalog, Error, Put, Result, ScramVerifier, Secret};

/// A consumer group as people define it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSpec {
    /// The task whose topic it reads.
    pub task: TaskName,
    /// Its name, unique within the task.
    pub name: String,
    /// The account it logs in with.
    pub account: String,
    /// The password it logs in with; only verifiers are kept.
    pub password: Secret,
    /// Bytes a second that it may fetch, over all its connections; `None` for what every group may.
    pub fetch_rate: Option<NonZeroU64>,
    /// Where it is defined (`/etc/wellhead/wellhead.toml:61`), or `None` when the API owns it.
    pub owner: Option<String>,
}

/// A consumer group as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Generated id, which is the `group.id` of its clients.
    pub id: GroupId,
    /// The task whose topic it reads.
    pub task: TaskName,
    /// That topic.
    pub topic: TopicName,
    /// Its name, unique within the task.
    pub name: String,
    /// The account it logs in with.
    pub account: String,
    /// Bytes a second that it may fetch; `None` for what every group may.
    pub fetch_rate: Option<NonZeroU64>,
    /// For SCRAM-SHA-256.
    pub scram_sha_256: ScramVerifier,
    /// For SCRAM-SHA-512.
    pub scram_sha_512: ScramVerifier,
    /// Where it is defined, or `None` when the API owns it.
    pub owner: Option<String>,
    /// When it was created.
    pub created: UnixTime,
}

/// How many groups a task may have.
pub const MAX_GROUPS_PER_TASK: usize = 20;

const MAX_NAME_CHARS: usize = 128;
const MAX_ACCOUNT_CHARS: usize = 16;
const ID_PREFIX: &str = "dts";
const ID_RANDOM_CHARS: usize = 15;
const ID_ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

const SELECT: &str =
    "SELECT groups.*, tasks.topic FROM groups JOIN tasks ON tasks.name = groups.task";

impl GroupSpec {
    /// Looks whether name, account and password follow their rules, as [`Catalog::create_group`] does.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<()> {
        check_name(&self.name)?;
        check_account(&self.account)?;
        check_password(&self.password)
    }
}

impl Group {
    /// What its clients give as SASL user: `<account>-<id>`.
    #[must_use]
    pub fn user(&self) -> String {
        format!("{}-{}", self.account, self.id)
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let iterations: NonZeroU32 = row.get("scram_iterations")?;
        Ok(Self {
            id: parsed(row, "id", GroupId::new)?,
            task: parsed(row, "task", TaskName::new)?,
            topic: parsed(row, "topic", TopicName::new)?,
            name: row.get("name")?,
            account: row.get("account")?,
            fetch_rate: row.get("fetch_rate").map(rate)?,
            scram_sha_256: ScramVerifier {
                salt: row.get("scram_sha_256_salt")?,
                iterations,
                stored_key: row.get("scram_sha_256_stored_key")?,
                server_key: row.get("scram_sha_256_server_key")?,
            },
            scram_sha_512: ScramVerifier {
                salt: row.get("scram_sha_512_salt")?,
                iterations,
                stored_key: row.get("scram_sha_512_stored_key")?,
                server_key: row.get("scram_sha_512_server_key")?,
            },
            owner: row.get("owner")?,
            created: time(row, "created_unix")?,
        })
    }
}

impl Catalog {
    /// Creates a group with a new id.
    ///
    /// # Errors
    /// Name, account or password break their rules, there is no such task, the name is taken, the task
    /// has [`MAX_GROUPS_PER_TASK`], or the catalog cannot be written.
    pub fn create_group(&self, spec: &GroupSpec) -> Result<Group> {
        let verifiers = Verifiers::new(spec)?;
        self.write(|transaction| {
            if read_by_name(transaction, &spec.task, &spec.name)?.is_some() {
                return Err(Error::Exists { what: "group", name: spec.name.clone() });
            }
            insert(transaction, spec, &verifiers, self.now_unix())
        })
    }

    /// Creates a group, or changes account, password, rate and owner of the one with this name, which keeps
    /// its id and what it has committed. A password that is the same leaves the verifiers alone.
    ///
    /// # Errors
    /// As [`Catalog::create_group`], save that the name may be taken.
    pub fn put_group(&self, spec: &GroupSpec) -> Result<(Put, Group)> {
        let fresh = Verifiers::new(spec)?;
        self.write(|transaction| {
            let Some(kept) = read_by_name(transaction, &spec.task, &spec.name)? else {
                let group = insert(transaction, spec, &fresh, self.now_unix())?;
                return Ok((Put::Created, group));
            };
            let same = kept.scram_sha_256.verify(ScramHash::Sha256, &spec.password);
            let verifiers = if same {
                Verifiers { sha_256: kept.scram_sha_256, sha_512: kept.scram_sha_512 }
            } else {
                fresh
            };
            update(transaction, &kept.id, spec, &verifiers)?;
            Ok((Put::Replaced, must_exist(transaction, &kept.id)?))
        })
    }

    /// The group of this name.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn group(&self, task: &TaskName, name: &str) -> Result<Option<Group>> {
        self.read(|transaction| read_by_name(transaction, task, name))
    }

    /// The group of this id.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn group_by_id(&self, id: &GroupId) -> Result<Option<Group>> {
        self.read(|transaction| read_by_id(transaction, id))
    }

    /// The groups of a task, by name.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn groups(&self, task: &TaskName) -> Result<Vec<Group>> {
        self.read(|transaction| {
            let sql = format!("{SELECT} WHERE groups.task = ?1 ORDER BY groups.name");
            let mut statement = transaction.prepare(&sql)?;
            let rows = statement.query_map([task.as_str()], Group::from_row)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Deletes a group with what it has committed.
    ///
    /// # Errors
    /// There is no such group, or the catalog cannot be written.
    pub fn delete_group(&self, task: &TaskName, name: &str) -> Result<()> {
        self.write(|transaction| {
            let Some(group) = read_by_name(transaction, task, name)? else {
                return Err(Error::not_found("group", name));
            };
            for statement in [
                "DELETE FROM group_states WHERE group_id = ?1",
                "DELETE FROM committed_offsets WHERE group_id = ?1",
                "DELETE FROM groups WHERE id = ?1",
            ] {
                transaction.execute(statement, [group.id.as_str()])?;
            }
            Ok(())
        })
    }

    /// The group that logs in as `user` (`<account>-<id>`) with this password, if both are right. It
    /// takes as long for a user that does not exist as for a wrong password.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn verify_password(&self, user: &str, password: &Secret) -> Result<Option<Group>> {
        let Some(group) = self.group_by_user(user)? else {
            ScramVerifier::new(ScramHash::Sha256, password)?;
            return Ok(None);
        };
        if self.logins().knows(&group.id, &group.scram_sha_256, password) {
            return Ok(Some(group));
        }
        if !group.scram_sha_256.verify(ScramHash::Sha256, password) {
            return Ok(None);
        }
        self.logins().remember(&group.id, &group.scram_sha_256, password);
        Ok(Some(group))
    }

    /// The group that logs in as `user` (`<account>-<id>`). Accounts have no dash.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn group_by_user(&self, user: &str) -> Result<Option<Group>> {
        let Some((account, id)) = user.split_once('-') else { return Ok(None) };
        let Ok(id) = GroupId::new(id) else { return Ok(None) };
        Ok(self.group_by_id(&id)?.filter(|group| group.account == account))
    }
}

struct Verifiers {
    sha_256: ScramVerifier,
    sha_512: ScramVerifier,
}

impl Verifiers {
    /// Checks the rules of the whole definition, and derives.
    fn new(spec: &GroupSpec) -> Result<Self> {
        spec.check()?;
        Ok(Self {
            sha_256: ScramVerifier::new(ScramHash::Sha256, &spec.password)?,
            sha_512: ScramVerifier::new(ScramHash::Sha512, &spec.password)?,
        })
    }
}

fn rate(kept: Option<i64>) -> Option<NonZeroU64> {
    kept.and_then(|rate| u64::try_from(rate).ok()).and_then(NonZeroU64::new)
}

fn check_name(name: &str) -> Result<()> {
    let legal = (1..=MAX_NAME_CHARS).contains(&name.chars().count())
        && !name.chars().any(|c| c.is_control() || c == '/');
    if legal {
        Ok(())
    } else {
        Err(Error::invalid("group name", "it has 1 to 128 printable characters and no slash"))
    }
}

fn check_account(account: &str) -> Result<()> {
    let legal = (1..=MAX_ACCOUNT_CHARS).contains(&account.len())
        && account.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if legal {
        Ok(())
    } else {
        Err(Error::invalid("account", "it has 1 to 16 letters, digits and underscores"))
    }
}

fn insert(
    transaction: &Transaction<'_>,
    spec: &GroupSpec,
    verifiers: &Verifiers,
    now_unix: i64,
) -> Result<Group> {
    let task = spec.task.as_str();
    let exists: bool = transaction.query_row(
        "SELECT EXISTS (SELECT 1 FROM tasks WHERE name = ?1)",
        [task],
        |row| row.get(0),
    )?;
    if !exists {
        return Err(Error::not_found("task", task));
    }
    let count: i64 =
        transaction
            .query_row("SELECT count(*) FROM groups WHERE task = ?1", [task], |row| row.get(0))?;
    if usize::try_from(count).is_ok_and(|count| count >= MAX_GROUPS_PER_TASK) {
        return Err(Error::TooManyGroups { task: task.into(), limit: MAX_GROUPS_PER_TASK });
    }
    let id = new_id()?;
    let (sha_256, sha_512) = (&verifiers.sha_256, &verifiers.sha_512);
    transaction.execute(
        "INSERT INTO groups (id, task, name, account, scram_iterations,
             scram_sha_256_salt, scram_sha_256_stored_key, scram_sha_256_server_key,
             scram_sha_512_salt, scram_sha_512_stored_key, scram_sha_512_server_key,
             owner, created_unix, fetch_rate)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        (
            id.as_str(),
            task,
            &spec.name,
            &spec.account,
            sha_256.iterations,
            &sha_256.salt,
            &sha_256.stored_key,
            &sha_256.server_key,
            &sha_512.salt,
            &sha_512.stored_key,
            &sha_512.server_key,
            &spec.owner,
            now_unix,
            spec.fetch_rate.map(|rate| i64::try_from(rate.get()).unwrap_or(i64::MAX)),
        ),
    )?;
    must_exist(transaction, &id)
}

fn update(
    transaction: &Transaction<'_>,
    id: &GroupId,
    spec: &GroupSpec,
    verifiers: &Verifiers,
) -> Result<()> {
    let (sha_256, sha_512) = (&verifiers.sha_256, &verifiers.sha_512);
    transaction.execute(
        "UPDATE groups SET account = ?2, owner = ?3, scram_iterations = ?4,
             scram_sha_256_salt = ?5, scram_sha_256_stored_key = ?6, scram_sha_256_server_key = ?7,
             scram_sha_512_salt = ?8, scram_sha_512_stored_key = ?9, scram_sha_512_server_key = ?10,
             fetch_rate = ?11
         WHERE id = ?1",
        (
            id.as_str(),
            &spec.account,
            &spec.owner,
            sha_256.iterations,
            &sha_256.salt,
            &sha_256.stored_key,
            &sha_256.server_key,
            &sha_512.salt,
            &sha_512.stored_key,
            &sha_512.server_key,
            spec.fetch_rate.map(|rate| i64::try_from(rate.get()).unwrap_or(i64::MAX)),
        ),
    )?;
    Ok(())
}

fn read_by_name(
    transaction: &Transaction<'_>,
    task: &TaskName,
    name: &str,
) -> Result<Option<Group>> {
    let sql = format!("{SELECT} WHERE groups.task = ?1 AND groups.name = ?2");
    Ok(transaction.query_row(&sql, (task.as_str(), name), Group::from_row).optional()?)
}

fn read_by_id(transaction: &Transaction<'_>, id: &GroupId) -> Result<Option<Group>> {
    let sql = format!("{SELECT} WHERE groups.id = ?1");
    Ok(transaction.query_row(&sql, [id.as_str()], Group::from_row).optional()?)
}

fn must_exist(transaction: &Transaction<'_>, id: &GroupId) -> Result<Group> {
    read_by_id(transaction, id)?.ok_or_else(|| Error::not_found("group", id))
}

/// Bytes from 252 on are thrown away, so that each of the 36 characters is as likely as another.
fn new_id() -> Result<GroupId> {
    let mut id = String::from(ID_PREFIX);
    while id.len() < ID_PREFIX.len() + ID_RANDOM_CHARS {
        let mut byte = [0];
        rand::fill(&mut byte)?;
        let [byte] = byte;
        if byte < 252
            && let Some(&c) = ID_ALPHABET.get(usize::from(byte % 36))
        {
            id.push(char::from(c));
        }
    }
    Ok(GroupId::new(id)?)
}
