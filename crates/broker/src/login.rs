//! Answers what a login has to know: from the catalog, at the pace that wrong guesses have earned.

use std::io;
use std::net::IpAddr;
use std::sync::PoisonError;

use tokio::sync::SemaphorePermit;
use tokio::time::Instant;
use uuid::Uuid;

use crate::error::ConnectionError;
use crate::guesses::Network;
use crate::places::Place;
use crate::sasl::{Found, Question};
use crate::session::{Greeting, Session, Step};
use crate::shared::Shared;

/// Takes a login from its first question to what the client is told.
///
/// # Errors
/// The connection must be closed without an answer.
pub(crate) async fn decide(
    shared: &Shared,
    session: &mut Session,
    place: &mut Place,
    peer: IpAddr,
    question: Question,
) -> Result<Greeting, ConnectionError> {
    let user = question.user().to_owned();
    let found = find(shared, peer, question).await?;
    let greeting = match session.found(found)? {
        Step::Admit(principal) => {
            let room = place.belongs_to(&principal).map_err(ConnectionError::Full);
            session.admit(Instant::now().into_std(), room)?
        }
        Step::Answer(greeting) => greeting,
        Step::Ask(_) | Step::Serve { .. } => {
            return Err(ConnectionError::Sasl("a login went on without the client"));
        }
    };
    if matches!(greeting.close, Some(ConnectionError::Login { .. })) {
        let mut guesses = shared.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        guesses.wrong(Instant::now().into_std(), Network::of(peer), &user);
    }
    Ok(greeting)
}

async fn find(shared: &Shared, peer: IpAddr, question: Question) -> Result<Found, ConnectionError> {
    let catalog = shared.catalog.clone();
    match question {
        Question::Password(credentials) => {
            let _place = turn(shared, peer, &credentials.user).await?;
            let check = tokio::task::spawn_blocking(move || {
                catalog.verify_password(&credentials.user, &credentials.password)
            });
            let group = check.await.map_err(io::Error::other)??;
            Ok(Found::Password(group.map(|group| shared.admitted(group))))
        }
        Question::Verifier { user, hash } => {
            let lookup = tokio::task::spawn_blocking(move || catalog.scram_login(&user, hash));
            let login = lookup.await.map_err(io::Error::other)??;
            let nonce = [Uuid::new_v4(), Uuid::new_v4()].map(|part| part.simple().to_string());
            Ok(Found::Verifier {
                verifier: login.verifier,
                principal: login.group.map(|group| shared.admitted(group)),
                nonce: nonce.concat(),
            })
        }
        Question::Guess { user } => {
            drop(turn(shared, peer, &user).await?);
            Ok(Found::Turn)
        }
    }
}

/// Waits until a guess may be made, and for a place to check it at.
async fn turn<'s>(
    shared: &'s Shared,
    peer: IpAddr,
    user: &str,
) -> Result<SemaphorePermit<'s>, ConnectionError> {
    let network = Network::of(peer);
    let gives_up = Instant::now() + shared.settings.guesses.patience;
    loop {
        let Ok(place) = shared.checks.acquire().await else {
            return Err(ConnectionError::Guesses);
        };
        let now = Instant::now();
        let wait = {
            let guesses = shared.guesses.lock().unwrap_or_else(PoisonError::into_inner);
            guesses.wait(now.into_std(), network, user)
        };
        if wait.is_zero() {
            return Ok(place);
        }
        drop(place);
        if now + wait > gives_up {
            return Err(ConnectionError::Guesses);
        }
        tokio::time::sleep(wait).await;
    }
}
