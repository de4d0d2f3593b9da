//! Tokens of the HTTP API: shown once, kept as a hash.

use std::time::Duration;

use aws_lc_rs::{digest, rand};
use change::UnixTime;
use rusqlite::{OptionalExtension, Row};
use serde::{Deserialize, Serialize};

use crate::row::{optional_time, parsed, time};
use crate::seal::to_hex;
use crate::{Catalog, Error, Result, Secret};

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Admin,
}

/// A token as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its number.
    pub id: i64,
    /// What it is for, in its maker's words.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// When it was made.
    pub created: UnixTime,
    /// When it ends, if ever.
    pub expires: Option<UnixTime>,
    /// When it was last used, to the minute.
    pub last_used: Option<UnixTime>,
}

/// A token that was just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// The token itself, which nobody can show again.
    pub secret: Secret,
    /// What is kept of it.
    pub token: Token,
}

const PREFIX: &str = "wh_";
const LAST_USED_STEP_SECONDS: i64 = 60;

impl Role {
    /// The word used in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
        }
    }
}

impl Token {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            role: parsed(row, "role", |text| match text.as_str() {
                "admin" => Ok(Role::Admin),
                _ => Err("unknown role"),
            })?,
            created: time(row, "created_unix")?,
            expires: optional_time(row, "expires_unix")?,
            last_used: optional_time(row, "last_used_unix")?,
        })
    }
}

impl Catalog {
    /// Makes a token that allows everything, for ever or for `lifetime`.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub fn create_admin_token(&self, name: &str, lifetime: Option<Duration>) -> Result<NewToken> {
        let mut random = [0; 32];
        rand::fill(&mut random)?;
        let secret = Secret::new(format!("{PREFIX}{}", to_hex(&random)));
        let now = self.now_unix();
        let expires = lifetime.map(|lifetime| now.saturating_add_unsigned(lifetime.as_secs()));
        let token = self.write(|transaction| {
            let token = transaction.query_row(
                "INSERT INTO tokens (name, sha256, role, created_unix, expires_unix)
                 VALUES (?1, ?2, ?3, ?4, ?5) RETURNING *",
                (name, hash(secret.expose()), Role::Admin.as_str(), now, expires),
                Token::from_row,
            )?;
            Ok(token)
        })?;
        Ok(NewToken { secret, token })
    }

    /// The token of this text, if there is one that has not ended. Looking it up by its hash tells
    /// nothing about the text of others.
    ///
    /// # Errors
    /// The catalog cannot be used.
    pub fn verify_token(&self, text: &str) -> Result<Option<Token>> {
        let now = UnixTime::from_seconds(self.now_unix());
        let hash = hash(text);
        let token = self.read(|transaction| {
            let sql = "SELECT * FROM tokens WHERE sha256 = ?1";
            Ok(transaction.query_row(sql, [&hash], Token::from_row).optional()?)
        })?;
        let Some(token) = token.filter(|token| token.expires.is_none_or(|end| now < end)) else {
            return Ok(None);
        };
        let age = token.last_used.map(|used| now.seconds().saturating_sub(used.seconds()));
        if age.is_none_or(|age| age >= LAST_USED_STEP_SECONDS) {
            self.write(|transaction| {
                let sql = "UPDATE tokens SET last_used_unix = ?2 WHERE id = ?1";
                transaction.execute(sql, (token.id, now.seconds()))?;
                Ok(())
            })?;
        }
        Ok(Some(token))
    }

    /// All tokens, oldest first.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn tokens(&self) -> Result<Vec<Token>> {
        self.read(|transaction| {
            let mut statement = transaction.prepare("SELECT * FROM tokens ORDER BY id")?;
            let rows = statement.query_map([], Token::from_row)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Ends a token now.
    ///
    /// # Errors
    /// There is no such token, or the catalog cannot be written.
    pub fn revoke_token(&self, id: i64) -> Result<()> {
        self.write(|transaction| {
            match transaction.execute("DELETE FROM tokens WHERE id = ?1", [id])? {
                0 => Err(Error::not_found("token", &id)),
                _ => Ok(()),
            }
        })
    }
}

fn hash(text: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, text.as_bytes()).as_ref().to_vec()
}
