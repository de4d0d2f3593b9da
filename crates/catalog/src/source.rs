//! Sources: the servers that are tapped.

use std::path::PathBuf;
use std::str::FromStr;

use change::{SourceName, UnixTime};
use rusqlite::{OptionalExtension, Row, Transaction};
use serde::{Deserialize, Serialize};

use crate::row::{parsed, time};
use crate::{Catalog, Error, Put, Result, Secret};

/// A source as people define it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSpec {
    /// Its name.
    pub name: SourceName,
    /// Kind of server as configured (`mysql`, `mariadb`); only the binary knows what that means.
    pub kind: String,
    /// Where it is and as whom to log in, without password.
    pub url: String,
    /// Password; kept sealed.
    pub password: Option<Secret>,
    /// How the connection is protected.
    pub tls: TlsMode,
    /// File with the certificates to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// Replica id to register with; `None` picks a free one.
    pub server_id: Option<u32>,
    /// Where it is defined (`/etc/wellhead/wellhead.toml:61`), or `None` when the API owns it.
    pub owner: Option<String>,
}

/// A source as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its definition.
    pub spec: SourceSpec,
    /// When it was created.
    pub created: UnixTime,
}

/// How a connection to a source is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// In clear.
    Disable,
    /// Encrypted where the server offers it, without looking at its certificate.
    #[default]
    Prefer,
    /// Encrypted, without looking at the server's certificate.
    Require,
    /// Encrypted, with a certificate from a trusted authority.
    VerifyCa,
    /// Encrypted, with a certificate from a trusted authority for the name that was dialled.
    VerifyFull,
}

impl TlsMode {
    /// All modes, weakest first.
    pub const ALL: [Self; 5] =
        [Self::Disable, Self::Prefer, Self::Require, Self::VerifyCa, Self::VerifyFull];

    /// The word used in configuration and API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

impl FromStr for TlsMode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text).ok_or_else(|| {
            Error::invalid("tls", "it is disable, prefer, require, verify-ca or verify-full")
        })
    }
}

impl std::fmt::Display for TlsMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Catalog {
    /// Creates a source or replaces its definition. The definition's password replaces the kept one;
    /// `None` removes it.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub fn put_source(&self, spec: &SourceSpec) -> Result<Put> {
        let sealed = spec
            .password
            .as_ref()
            .map(|password| self.key().seal(&seal_place(&spec.name), password))
            .transpose()?;
        let ca = spec.ca.as_ref().map(|path| path.to_string_lossy().into_owned());
        self.write(|transaction| {
            let existed = read(transaction, &spec.name)?.is_some();
            transaction.execute(
                "INSERT INTO sources
                     (name, kind, url, password_sealed, tls, ca, server_id, owner, created_unix)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                 ON CONFLICT (name) DO UPDATE SET kind = ?2, url = ?3, password_sealed = ?4,
                     tls = ?5, ca = ?6, server_id = ?7, owner = ?8",
                (
                    spec.name.as_str(),
                    &spec.kind,
                    &spec.url,
                    sealed,
                    spec.tls.as_str(),
                    ca,
                    spec.server_id,
                    &spec.owner,
                    self.now_unix(),
                ),
            )?;
            Ok(if existed { Put::Replaced } else { Put::Created })
        })
    }

    /// The source of this name.
    ///
    /// # Errors
    /// The catalog cannot be read, or the password cannot be opened with the key file.
    pub fn source(&self, name: &SourceName) -> Result<Option<Source>> {
        let kept = self.read(|transaction| read(transaction, name))?;
        kept.map(|kept| self.unseal(kept)).transpose()
    }

    /// All sources, by name.
    ///
    /// # Errors
    /// As [`Catalog::source`].
    pub fn sources(&self) -> Result<Vec<Source>> {
        let kept = self.read(|transaction| {
            let mut statement = transaction.prepare("SELECT * FROM sources ORDER BY name")?;
            let rows = statement.query_map([], SealedSource::from_row)?;
            Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
        })?;
        kept.into_iter().map(|kept| self.unseal(kept)).collect()
    }

    /// Deletes a source that no task uses.
    ///
    /// # Errors
    /// There is none, a task uses it, or the catalog cannot be written.
    pub fn delete_source(&self, name: &SourceName) -> Result<()> {
        self.write(|transaction| {
            let user: Option<String> = transaction
                .query_row(
                    "SELECT name FROM tasks WHERE source = ?1 ORDER BY name",
                    [name.as_str()],
                    |row| row.get(0),
                )
                .optional()?;
            if let Some(task) = user {
                let by = format!("task {task:?}");
                return Err(Error::InUse { what: "source", name: name.to_string(), by });
            }
            match transaction.execute("DELETE FROM sources WHERE name = ?1", [name.as_str()])? {
                0 => Err(Error::not_found("source", name)),
                _ => Ok(()),
            }
        })
    }

    fn unseal(&self, kept: SealedSource) -> Result<Source> {
        let mut source = kept.source;
        if let Some(sealed) = kept.password_sealed {
            let place = seal_place(&source.spec.name);
            source.spec.password = Some(self.key().open_sealed(&place, &sealed)?);
        }
        Ok(source)
    }
}

struct SealedSource {
    source: Source,
    password_sealed: Option<Vec<u8>>,
}

impl SealedSource {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let spec = SourceSpec {
            name: parsed(row, "name", SourceName::new)?,
            kind: row.get("kind")?,
            url: row.get("url")?,
            password: None,
            tls: parsed(row, "tls", |text| text.parse())?,
            ca: row.get::<_, Option<String>>("ca")?.map(PathBuf::from),
            server_id: row.get("server_id")?,
            owner: row.get("owner")?,
        };
        let source = Source { spec, created: time(row, "created_unix")? };
        Ok(Self { source, password_sealed: row.get("password_sealed")? })
    }
}

fn read(transaction: &Transaction<'_>, name: &SourceName) -> Result<Option<SealedSource>> {
    Ok(transaction
        .query_row("SELECT * FROM sources WHERE name = ?1", [name.as_str()], SealedSource::from_row)
        .optional()?)
}

fn seal_place(name: &SourceName) -> String {
    format!("source {name}")
}
