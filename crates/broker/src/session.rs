//! One connection's conversation up to the point where a request may be served, sans-IO.
//!
//! Frames go in, [`Step`]s come out. Before a login (on a listener that asks for one) only ApiVersions,
//! once, SaslHandshake and SaslAuthenticate are read, in frames of at most 4 KiB. Both SASL conversations
//! are spoken: SaslHandshake v1 with SaslAuthenticate, and SaslHandshake v0 with bare tokens in the next
//! frames, where a refusal is a close (as Kafka's `SaslServerAuthenticator`). Where logins last for a
//! time only, they are renewed on the same connection (KIP-368). Passwords and verifiers are not known
//! here: [`Step::Ask`] asks the caller for them.

use std::time::{Duration, Instant};

use kafka::messages::{
    ApiVersionsRequest, ApiVersionsResponse, Message, SaslAuthenticateRequest,
    SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse, decode,
};
use kafka::{
    ApiKey, ApiVersion, CorrelationId, ErrorCode, Frame, Request, RequestHeader, encode_response,
};

use crate::error::ConnectionError;
use crate::principal::Principal;
use crate::sasl::{Exchange, Found, Mechanism, Question, Turn};
use crate::settings::Access;

/// The longest frame before a login. It is within every connection's reserve, so that a stranger takes no
/// memory from those who have logged in.
pub(crate) const GREETING_BYTES_MAX: usize = 4 << 10;
/// The longest frame after it. What we serve is far shorter; a producer's default batch of 1 MiB fits,
/// so that it can be refused with an answer.
pub(crate) const REQUEST_BYTES_MAX: usize = 2 << 20;
/// A login is renewed at most once in this time, as in Kafka.
const RENEWAL_INTERVAL_MIN: Duration = Duration::from_secs(1);

/// What logins go by, the same for all listeners.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    /// What is offered.
    pub(crate) mechanisms: Vec<Mechanism>,
    /// How long a login lasts unless it is renewed (`connections.max.reauth.ms`); `None` for ever.
    pub(crate) lifetime: Option<Duration>,
}

/// The conversation with one client.
#[derive(Debug)]
pub(crate) struct Session {
    terms: std::sync::Arc<Terms>,
    state: State,
}

/// Where the conversation stands.
#[derive(Debug)]
enum State {
    /// Nobody has said who they are. ApiVersions is answered once.
    Greeting { versions_told: bool },
    /// A mechanism was chosen: its tokens follow.
    Exchanging(Box<Exchanging>),
    /// A login was to be renewed by another mechanism: there is no next token.
    Mistaken,
    /// Requests are served.
    Open(Login),
}

/// A login that is under way.
#[derive(Debug)]
struct Exchanging {
    exchange: Exchange,
    /// Whether tokens come bare, as after SaslHandshake v0.
    is_bare: bool,
    /// How the last token came, and so how its answer goes back.
    form: Form,
    /// Who was shown to be there, until a place is found for them; and what they are told then.
    shown: Option<(Principal, Vec<u8>)>,
    /// The login that it renews, or follows where nobody must log in.
    before: Option<Login>,
}

/// Whom requests are served for.
#[derive(Debug, Clone)]
struct Login {
    principal: Principal,
    /// How they logged in; `None` for those who did not.
    mechanism: Option<Mechanism>,
    /// When the login ends unless it is renewed.
    until: Option<Instant>,
    /// When its last renewal began.
    renewed: Option<Instant>,
}

/// How a token came.
#[derive(Debug, Clone, Copy)]
enum Form {
    Bare,
    Authenticate { version: ApiVersion, correlation: CorrelationId },
}

/// What a frame leads to.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// Send this.
    Answer(Greeting),
    /// Find this out, then call [`Session::found`].
    Ask(Question),
    /// This one has shown who they are. Find out whether there is room, then call [`Session::admit`].
    Admit(Principal),
    /// Serve this request for the session's principal.
    Serve {
        /// What stands in front of it.
        header: RequestHeader<'a>,
        request: Request<'a>,
        /// How many elements all its arrays have together.
        elements: usize,
    },
}

/// An answer that the session gives by itself.
#[derive(Debug)]
pub(crate) struct Greeting {
    /// The bytes to send, length included; nothing where there is no answer.
    pub(crate) bytes: Vec<u8>,
    /// What was answered, for counters.
    pub(crate) api: ApiKey,
    /// How it was answered.
    pub(crate) error: ErrorCode,
    /// Close once it is sent.
    pub(crate) close: Option<ConnectionError>,
}

impl Session {
    /// A conversation that begins, with someone who is `known` already, as by a certificate.
    pub(crate) fn new(
        access: Access,
        known: Option<Principal>,
        terms: std::sync::Arc<Terms>,
    ) -> Self {
        let state = match (access, known) {
            (_, Some(principal)) => State::Open(Login::without_end(principal)),
            (Access::Anonymous, None) => State::Open(Login::without_end(Principal::Anyone)),
            (Access::Accounts | Access::Certificates, None) => {
                State::Greeting { versions_told: false }
            }
        };
        Self { terms, state }
    }

    /// How long the next frame may be.
    pub(crate) fn frame_bytes_max(&self) -> usize {
        match self.state {
            State::Open(_) => REQUEST_BYTES_MAX,
            State::Greeting { .. } | State::Exchanging(_) | State::Mistaken => GREETING_BYTES_MAX,
        }
    }

    /// Who requests are served for; `None` before a login.
    pub(crate) fn principal(&self) -> Option<&Principal> {
        match &self.state {
            State::Open(login) => Some(&login.principal),
            State::Exchanging(exchanging) => exchanging.before.as_ref().map(|l| &l.principal),
            State::Greeting { .. } | State::Mistaken => None,
        }
    }

    /// A frame has come, without its length.
    ///
    /// # Errors
    /// The connection must be closed without an answer.
    pub(crate) fn receive<'a>(
        &mut self,
        now: Instant,
        frame: &'a [u8],
    ) -> Result<Step<'a>, ConnectionError> {
        if let State::Exchanging(exchanging) = &mut self.state
            && exchanging.is_bare
        {
            return exchanging.token(frame, Form::Bare);
        }
        let (header, body) = RequestHeader::split(frame)?;
        let RequestHeader { api, version, correlation, .. } = header;
        match (&mut self.state, api) {
            (State::Open(login), _) if login.is_over(now) && api != ApiKey::SaslHandshake => {
                Err(ConnectionError::LoginExpired)
            }
            (State::Greeting { versions_told: false } | State::Open(_), ApiKey::ApiVersions) => {
                self.api_versions(&header, body)
            }
            (State::Greeting { .. }, ApiKey::SaslHandshake) => self.handshake(None, &header, body),
            (State::Open(login), ApiKey::SaslHandshake) if login.may_follow(now) => {
                let before = Login { renewed: Some(now), ..login.clone() };
                self.handshake(Some(before), &header, body)
            }
            (State::Open(_), ApiKey::SaslHandshake) => {
                decode::<SaslHandshakeRequest<'_>>(version, body)?;
                let error = ErrorCode::IllegalSaslState;
                let response = SaslHandshakeResponse { error, mechanisms: Vec::new() };
                Ok(answer(&encode_response(version, correlation, response)?, api, error, None))
            }
            (State::Exchanging(exchanging), ApiKey::SaslAuthenticate) => {
                let request: SaslAuthenticateRequest<'_> = decode(version, body)?;
                exchanging.token(request.auth_bytes, Form::Authenticate { version, correlation })
            }
            (State::Exchanging(_), ApiKey::SaslHandshake) => {
                decode::<SaslHandshakeRequest<'_>>(version, body)?;
                let error = ErrorCode::IllegalSaslState;
                let response = SaslHandshakeResponse { error, mechanisms: Vec::new() };
                out_of_turn(&header, response)
            }
            (State::Exchanging(_), ApiKey::ApiVersions) => {
                decode::<ApiVersionsRequest<'_>>(version, body)?;
                let error = ErrorCode::IllegalSaslState;
                out_of_turn(&header, ApiVersionsResponse { error, ..Default::default() })
            }
            (State::Open(_), ApiKey::SaslAuthenticate) => {
                decode::<SaslAuthenticateRequest<'_>>(version, body)?;
                let error = ErrorCode::IllegalSaslState;
                let error_message = Some("a SaslHandshake comes first, and not after a login");
                let response =
                    SaslAuthenticateResponse { error, error_message, ..Default::default() };
                Ok(answer(&encode_response(version, correlation, response)?, api, error, None))
            }
            (State::Open(_), _) => {
                let (request, elements) = Request::decode_counted(api, version, body)?;
                Ok(Step::Serve { header, request, elements })
            }
            (State::Mistaken, _) => {
                Err(ConnectionError::Sasl("a login was to be renewed by another mechanism"))
            }
            (State::Greeting { .. } | State::Exchanging(_), _) => {
                Err(ConnectionError::Sasl(NOT_LOGGED_IN))
            }
        }
    }

    /// The answer to the last [`Step::Ask`].
    ///
    /// # Errors
    /// The connection must be closed without an answer.
    pub(crate) fn found(&mut self, found: Found) -> Result<Step<'static>, ConnectionError> {
        let State::Exchanging(exchanging) = &mut self.state else {
            return Err(ConnectionError::Sasl("an answer came without a question"));
        };
        let turn = exchanging.exchange.answered(found);
        exchanging.follow(turn)
    }

    /// Whether there was room for the one of the last [`Step::Admit`].
    ///
    /// # Errors
    /// The connection must be closed without an answer.
    pub(crate) fn admit(
        &mut self,
        now: Instant,
        room: Result<(), ConnectionError>,
    ) -> Result<Greeting, ConnectionError> {
        let State::Exchanging(exchanging) = &mut self.state else {
            return Err(ConnectionError::Sasl("an admission came without a login"));
        };
        let Some((principal, token)) = exchanging.shown.take() else {
            return Err(ConnectionError::Sasl("an admission came without a login"));
        };
        let Exchanging { form, ref before, .. } = **exchanging;
        if let Err(full) = room {
            return form.refuse("there are too many connections of this account already", full);
        }
        let mechanism = exchanging.exchange.mechanism();
        let is_another =
            |login: &Login| login.principal != Principal::Anyone && login.principal != principal;
        if before.as_ref().is_some_and(is_another) {
            let reason = "a login was to be renewed by someone else";
            return form.refuse(reason, ConnectionError::Login { mechanism, reason });
        }
        let login = Login {
            principal,
            mechanism: Some(mechanism),
            until: self.terms.lifetime.map(|lifetime| now + lifetime),
            renewed: before.as_ref().and_then(|login| login.renewed),
        };
        self.state = State::Open(login);
        form.accept(&token, self.terms.lifetime)
    }

    fn api_versions<'a>(
        &mut self,
        header: &RequestHeader<'a>,
        body: &'a [u8],
    ) -> Result<Step<'a>, ConnectionError> {
        let RequestHeader { api, version, correlation, .. } = *header;
        if !api.serves(version) {
            let response = ApiVersionsResponse::unsupported_version();
            let frame = encode_response(ApiVersion(0), correlation, response)?;
            return Ok(answer(&frame, api, ErrorCode::UnsupportedVersion, None));
        }
        let request: ApiVersionsRequest<'_> = decode(version, body)?;
        let names = [request.client_software_name, request.client_software_version];
        let is_legal = version < SOFTWARE_IS_NAMED_FROM || names.into_iter().all(is_software);
        let response = if is_legal {
            ApiVersionsResponse::served()
        } else {
            ApiVersionsResponse { error: ErrorCode::InvalidRequest, ..Default::default() }
        };
        if let State::Greeting { versions_told } = &mut self.state {
            *versions_told = is_legal;
        }
        let error = response.error;
        Ok(answer(&encode_response(version, correlation, response)?, api, error, None))
    }

    fn handshake<'a>(
        &mut self,
        before: Option<Login>,
        header: &RequestHeader<'a>,
        body: &'a [u8],
    ) -> Result<Step<'a>, ConnectionError> {
        let RequestHeader { api, version, correlation, .. } = *header;
        let request: SaslHandshakeRequest<'_> = decode(version, body)?;
        let offered = &self.terms.mechanisms;
        let mechanisms = offered.iter().map(|mechanism| mechanism.name()).collect();
        let chosen = offered.iter().copied().find(|m| m.name() == request.mechanism);
        let Some(mechanism) = chosen else {
            let error = ErrorCode::UnsupportedSaslMechanism;
            let close = Some(ConnectionError::Sasl("the mechanism is not offered"));
            let frame =
                encode_response(version, correlation, SaslHandshakeResponse { error, mechanisms })?;
            return Ok(answer(&frame, api, error, close));
        };
        let first = before.as_ref().and_then(|login| login.mechanism);
        self.state = if first.is_some_and(|first| first != mechanism) {
            State::Mistaken
        } else {
            State::Exchanging(Box::new(Exchanging {
                exchange: Exchange::new(mechanism),
                is_bare: version == ApiVersion(0),
                form: Form::Bare,
                shown: None,
                before,
            }))
        };
        let error = ErrorCode::None;
        let frame =
            encode_response(version, correlation, SaslHandshakeResponse { error, mechanisms })?;
        Ok(answer(&frame, api, error, None))
    }
}

impl Exchanging {
    fn token<'a>(&mut self, token: &[u8], form: Form) -> Result<Step<'a>, ConnectionError> {
        self.form = form;
        let turn = self.exchange.token(token);
        self.follow(turn)
    }

    fn follow<'a>(&mut self, turn: Turn) -> Result<Step<'a>, ConnectionError> {
        match turn {
            Turn::Ask(question) => Ok(Step::Ask(question)),
            Turn::Challenge(token) => self.form.accept(&token, None).map(Step::Answer),
            Turn::Accept(principal, token) => {
                self.shown = Some((principal.clone(), token));
                Ok(Step::Admit(principal))
            }
            Turn::Refuse(reason) => {
                let mechanism = self.exchange.mechanism();
                let why = ConnectionError::Login { mechanism, reason };
                self.form.refuse(LOGIN_REFUSED, why).map(Step::Answer)
            }
        }
    }
}

impl Login {
    fn without_end(principal: Principal) -> Self {
        Self { principal, mechanism: None, until: None, renewed: None }
    }

    fn is_over(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Whether a login may follow this one: where nobody had to log in, or where it ends some time.
    fn may_follow(&self, now: Instant) -> bool {
        let renewed = self.renewed.map(|renewed| now.saturating_duration_since(renewed));
        self.principal == Principal::Anyone
            || (self.until.is_some() && renewed.is_none_or(|ago| ago >= RENEWAL_INTERVAL_MIN))
    }
}

impl Form {
    fn accept(self, token: &[u8], lifetime: Option<Duration>) -> Result<Greeting, ConnectionError> {
        let bytes = match self {
            Self::Bare => {
                let length = u32::try_from(token.len()).unwrap_or_default();
                [&length.to_be_bytes(), token].concat()
            }
            Self::Authenticate { version, correlation } => {
                let lifetime_ms = lifetime.map_or(0, |lifetime| lifetime.as_millis());
                let response = SaslAuthenticateResponse {
                    auth_bytes: token,
                    session_lifetime_ms: i64::try_from(lifetime_ms).unwrap_or(i64::MAX),
                    ..Default::default()
                };
                encode_response(version, correlation, response)?.bytes().to_vec()
            }
        };
        Ok(Greeting { bytes, api: ApiKey::SaslAuthenticate, error: ErrorCode::None, close: None })
    }

    /// A bare token is refused by a close alone.
    fn refuse(self, told: &str, why: ConnectionError) -> Result<Greeting, ConnectionError> {
        let error = ErrorCode::SaslAuthenticationFailed;
        let bytes = match self {
            Self::Bare => Vec::new(),
            Self::Authenticate { version, correlation } => {
                let error_message = Some(told);
                let response =
                    SaslAuthenticateResponse { error, error_message, ..Default::default() };
                encode_response(version, correlation, response)?.bytes().to_vec()
            }
        };
        Ok(Greeting { bytes, api: ApiKey::SaslAuthenticate, error, close: Some(why) })
    }
}

/// The first version of ApiVersions in which clients say what they are (KIP-511).
const SOFTWARE_IS_NAMED_FROM: ApiVersion = ApiVersion(3);

/// What a client is told about a wrong user and a wrong password alike.
const LOGIN_REFUSED: &str =
    "Authentication failed: wrong user or password (the user is <account>-<group id>)";

/// Why a request ends a connection that has not logged in.
const NOT_LOGGED_IN: &str = "a request came before the login was complete";

/// Letters, digits, and in between dashes and dots.
fn is_software(name: &str) -> bool {
    let is_edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    is_edge(name.bytes().next())
        && is_edge(name.bytes().last())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

/// A request between the tokens of a login is told so, and ends it.
fn out_of_turn<'a, 'm>(
    header: &RequestHeader<'_>,
    response: impl Message<'m>,
) -> Result<Step<'a>, ConnectionError> {
    let frame = encode_response(header.version, header.correlation, response)?;
    let close = ConnectionError::Sasl(NOT_LOGGED_IN);
    Ok(answer(&frame, header.api, ErrorCode::IllegalSaslState, Some(close)))
}

fn answer<'a>(
    frame: &Frame,
    api: ApiKey,
    error: ErrorCode,
    close: Option<ConnectionError>,
) -> Step<'a> {
    Step::Answer(Greeting { bytes: frame.bytes().to_vec(), api, error, close })
}

#[cfg(test)]
mod tests;
