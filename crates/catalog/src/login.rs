//! What logins need: the verifier that a SCRAM exchange goes by, and a memory of the passwords that were
//! right, so that a PLAIN client that connects again costs no key derivation.
//!
//! What is remembered is a MAC of user, verifier and password under a key that lives only in this
//! process; a changed password changes the verifier, and so the MAC, and is forgotten by itself.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::{hmac, rand};
use change::GroupId;

use crate::{Catalog, Group, Result, ScramHash, ScramVerifier, Secret};

/// What a SCRAM exchange goes by.
#[derive(Debug, Clone)]
pub struct ScramLogin {
    /// The verifier. That of a user who does not exist is a decoy, so that nothing tells which users do.
    pub verifier: ScramVerifier,
    /// Whose it is.
    pub group: Option<Group>,
}

impl Catalog {
    /// The verifier of `user` (`<account>-<group id>`).
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn scram_login(&self, user: &str, hash: ScramHash) -> Result<ScramLogin> {
        let group = self.group_by_user(user)?;
        let verifier = match &group {
            Some(group) if hash == ScramHash::Sha256 => group.scram_sha_256.clone(),
            Some(group) => group.scram_sha_512.clone(),
            None => ScramVerifier::decoy(hash, self.key().decoys(), user),
        };
        Ok(ScramLogin { verifier, group })
    }
}

pub(crate) struct LoginCache {
    key: hmac::Key,
    /// At most [`MAX_REMEMBERED`].
    known: Mutex<HashMap<GroupId, hmac::Tag>>,
}

const MAX_REMEMBERED: usize = 4096;

impl LoginCache {
    pub(crate) fn new() -> Result<Self> {
        let mut key = [0; 32];
        rand::fill(&mut key)?;
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key), known: Mutex::default() })
    }

    /// Whether this very password was right before, for this very verifier.
    pub(crate) fn knows(&self, id: &GroupId, verifier: &ScramVerifier, password: &Secret) -> bool {
        let known = self.lock().get(id).copied();
        let message = message(id, verifier, password);
        known.is_some_and(|tag| hmac::verify(&self.key, &message, tag.as_ref()).is_ok())
    }

    pub(crate) fn remember(&self, id: &GroupId, verifier: &ScramVerifier, password: &Secret) {
        let tag = hmac::sign(&self.key, &message(id, verifier, password));
        let mut known = self.lock();
        if known.len() >= MAX_REMEMBERED {
            known.clear();
        }
        known.insert(id.clone(), tag);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<GroupId, hmac::Tag>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for LoginCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginCache").finish_non_exhaustive()
    }
}

/// Ids have no NUL and verifiers a fixed length, so two different triples never make the same bytes.
fn message(id: &GroupId, verifier: &ScramVerifier, password: &Secret) -> Vec<u8> {
    let parts = [id.as_str().as_bytes(), b"\0", &verifier.stored_key, password.expose().as_bytes()];
    parts.concat()
}
