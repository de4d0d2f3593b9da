//! Opens the catalog and runs its transactions.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use change::{Clock, SystemClock};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior};
use uuid::Uuid;

use crate::login::LoginCache;
use crate::seal::{KEY_FILE_NAME, SealKey};
use crate::{Error, Result, Secret, migration};

/// The catalog of one data folder. Cheap to clone; clones share one connection.
///
/// Every call blocks until the disk has its transaction.
#[derive(Debug, Clone)]
pub struct Catalog {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    connection: Mutex<Connection>,
    key: SealKey,
    clock: Arc<dyn Clock>,
    logins: LoginCache,
    server_id: Uuid,
}

/// What a `put_` call did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// There was nothing of this name.
    Created,
    /// Something of this name was changed.
    Replaced,
}

pub(crate) const FILE_NAME: &str = "catalog.db";
const KEY_CHECK: &str = "wellhead";
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

impl Catalog {
    /// Opens the catalog in `folder`, which must exist, and creates it when there is none.
    ///
    /// # Errors
    /// The files cannot be used, are damaged, of a newer format, or do not belong together.
    pub fn open(folder: &Path) -> Result<Self> {
        Self::open_with_clock(folder, Arc::new(SystemClock))
    }

    /// The same, with another clock.
    ///
    /// # Errors
    /// As [`Catalog::open`].
    pub fn open_with_clock(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self> {
        let path = folder.join(FILE_NAME);
        let mut connection = connect(&path)?;
        let version = inspect(&connection, &path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        migration::migrate(&mut connection, version)?;
        let known = read_server(&connection)?;
        let key = SealKey::open(&folder.join(KEY_FILE_NAME), known.is_none())?;
        let server_id = match known {
            Some((uuid, key_check)) => {
                key.open_sealed(KEY_CHECK, &key_check)?;
                uuid
            }
            None => write_server(&connection, &key, clock.as_ref())?,
        };
        let logins = LoginCache::new()?;
        let connection = Mutex::new(connection);
        Ok(Self { inner: Arc::new(Inner { connection, key, clock, logins, server_id }) })
    }

    /// Identity of this data folder, made once with it.
    #[must_use]
    pub fn server_id(&self) -> Uuid {
        self.inner.server_id
    }

    /// Runs `work` in one transaction that is kept only if it succeeds.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.run(TransactionBehavior::Immediate, work)
    }

    /// Runs `work` on one consistent view.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
        self.run(TransactionBehavior::Deferred, work)
    }

    pub(crate) fn key(&self) -> &SealKey {
        &self.inner.key
    }

    pub(crate) fn logins(&self) -> &LoginCache {
        &self.inner.logins
    }

    /// Seconds since the epoch, now.
    pub(crate) fn now_unix(&self) -> i64 {
        self.inner.clock.now().seconds()
    }

    /// A panic elsewhere cannot leave half a transaction: the guard of SQLite rolls it back.
    fn run<T>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut connection = self.inner.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(behavior)?;
        let value = work(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }
}

/// The file is created here, because SQLite would create it readable by others; its journals take over
/// its permissions.
fn connect(path: &Path) -> Result<Connection> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|source| Error::Io { path: path.to_owned(), source })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// Looks whether the file is a sound catalog or empty, and answers its format version.
pub(crate) fn inspect(connection: &Connection, path: &Path) -> Result<i64> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let application = pragma("application_id")?;
    let version = pragma("user_version")?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let empty = application == 0 && version == 0 && tables == 0;
    if !empty && application != migration::APPLICATION_ID {
        return Err(Error::NotACatalog { path: path.to_owned() });
    }
    let known = migration::latest();
    if version > known {
        return Err(Error::Newer { path: path.to_owned(), found: version, known });
    }
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" { Ok(version) } else { Err(Error::Corrupt { reason: verdict }) }
}

fn read_server(connection: &Connection) -> Result<Option<(Uuid, Vec<u8>)>> {
    let row = connection
        .query_row("SELECT uuid, key_check FROM server", [], |row| {
            Ok((crate::row::parsed(row, "uuid", |text| Uuid::parse_str(&text))?, row.get(1)?))
        })
        .optional()?;
    Ok(row)
}

fn write_server(connection: &Connection, key: &SealKey, clock: &dyn Clock) -> Result<Uuid> {
    let uuid = Uuid::new_v4();
    let key_check = key.seal(KEY_CHECK, &Secret::new(KEY_CHECK))?;
    connection.execute(
        "INSERT INTO server (only_row, uuid, key_check, created_unix) VALUES (1, ?1, ?2, ?3)",
        (uuid.to_string(), key_check, clock.now().seconds()),
    )?;
    Ok(uuid)
}
