//! One connection's conversation up to the point where a request may be served, sans-IO.
//!
//! Frames go in, [`Step`]s come out. Before a login (on a listener that asks for one) only ApiVersions,
//! SaslHandshake and SaslAuthenticate are read, in frames of at most 4 KiB. Both SASL conversations
//! are spoken: SaslHandshake v1 with SaslAuthenticate, and SaslHandshake v0 with a bare token in the
//! next frame, whose only answers are an empty frame or a close (as Kafka's
//! `SaslServerAuthenticator`). Passwords are not checked here: [`Step::Verify`] asks the caller to.

use kafka::messages::{
    ApiVersionsResponse, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeResponse,
    decode,
};
use kafka::{
    ApiKey, ApiVersion, CorrelationId, ErrorCode, Frame, Request, RequestHeader, encode_response,
};

use crate::error::ConnectionError;
use crate::principal::Principal;
use crate::sasl::{Credentials, PLAIN};
use crate::settings::Access;

/// The longest frame before a login. It is within every connection's reserve, so that a stranger takes no
/// memory from those who have logged in.
pub(crate) const GREETING_BYTES_MAX: usize = 4 << 10;
/// The longest frame after it. What we serve is far shorter; a producer's default batch of 1 MiB fits,
/// so that it can be refused with an answer.
pub(crate) const REQUEST_BYTES_MAX: usize = 2 << 20;

/// The conversation with one client.
#[derive(Debug)]
pub(crate) struct Session {
    access: Access,
    state: State,
}

/// Where the conversation stands.
#[derive(Debug)]
enum State {
    /// Nobody has said who they are.
    Greeting,
    /// SaslHandshake v0 was answered: the next frame is a bare token.
    BareToken,
    /// SaslHandshake v1 was answered: a SaslAuthenticate follows.
    Authenticate,
    /// Credentials are being verified.
    Verifying(TokenForm),
    /// Requests are served.
    Open(Principal),
}

/// How the token came, and so how its verdict goes back.
#[derive(Debug, Clone, Copy)]
enum TokenForm {
    Bare,
    Authenticate { version: ApiVersion, correlation: CorrelationId },
}

/// What a frame leads to.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// Send this.
    Answer(Greeting),
    /// Find out whether these are right, then call [`Session::verified`]. `None` cannot be.
    Verify(Option<Credentials>),
    /// Serve this request for the session's principal.
    Serve(RequestHeader<'a>, Request<'a>),
}

/// An answer that the session gives by itself.
#[derive(Debug)]
pub(crate) struct Greeting {
    /// The bytes to send, length included.
    pub(crate) bytes: Vec<u8>,
    /// What was answered, for counters.
    pub(crate) api: ApiKey,
    /// How it was answered.
    pub(crate) error: ErrorCode,
    /// Close once it is sent.
    pub(crate) close: Option<ConnectionError>,
}

impl Session {
    /// A conversation that begins.
    pub(crate) fn new(access: Access) -> Self {
        Self { access, state: Self::start(access) }
    }

    fn start(access: Access) -> State {
        match access {
            Access::Anonymous => State::Open(Principal::Anyone),
            Access::Accounts => State::Greeting,
        }
    }

    /// How long the next frame may be.
    pub(crate) fn frame_bytes_max(&self) -> usize {
        match self.state {
            State::Open(_) => REQUEST_BYTES_MAX,
            _ => GREETING_BYTES_MAX,
        }
    }

    /// Who requests are served for; `None` before a login.
    pub(crate) fn principal(&self) -> Option<&Principal> {
        match &self.state {
            State::Open(principal) => Some(principal),
            _ => None,
        }
    }

    /// A frame has come, without its length.
    ///
    /// # Errors
    /// The connection must be closed without an answer.
    pub(crate) fn receive<'a>(&mut self, frame: &'a [u8]) -> Result<Step<'a>, ConnectionError> {
        if matches!(self.state, State::BareToken) {
            return Ok(self.token(frame, TokenForm::Bare));
        }
        let (header, body) = RequestHeader::split(frame)?;
        let RequestHeader { api, version, correlation, .. } = header;
        if api == ApiKey::ApiVersions && !api.serves(version) {
            let response = ApiVersionsResponse::unsupported_version();
            let frame = encode_response(ApiVersion(0), correlation, response)?;
            return Ok(greeting(&frame, api, ErrorCode::UnsupportedVersion, None));
        }
        match (api, &self.state) {
            (ApiKey::ApiVersions, _) => {
                Request::decode(api, version, body)?;
                let frame = encode_response(version, correlation, ApiVersionsResponse::served())?;
                Ok(greeting(&frame, api, ErrorCode::None, None))
            }
            (ApiKey::SaslHandshake, State::Greeting | State::Open(Principal::Anyone)) => {
                self.handshake(&header, body)
            }
            (ApiKey::SaslHandshake, State::Open(_)) => {
                let error = ErrorCode::IllegalSaslState;
                let response = SaslHandshakeResponse { error, mechanisms: vec![PLAIN] };
                Ok(greeting(&encode_response(version, correlation, response)?, api, error, None))
            }
            (ApiKey::SaslAuthenticate, State::Authenticate) => {
                let request: SaslAuthenticateRequest<'_> = decode(version, body)?;
                let form = TokenForm::Authenticate { version, correlation };
                Ok(self.token(request.auth_bytes, form))
            }
            (ApiKey::SaslAuthenticate, State::Open(_)) => {
                let error = ErrorCode::IllegalSaslState;
                let error_message = Some("SaslAuthenticate without SaslHandshake");
                let response =
                    SaslAuthenticateResponse { error, error_message, ..Default::default() };
                Ok(greeting(&encode_response(version, correlation, response)?, api, error, None))
            }
            (_, State::Open(_)) => Ok(Step::Serve(header, Request::decode(api, version, body)?)),
            _ => Err(ConnectionError::Sasl("a request came before the login was complete")),
        }
    }

    /// The verdict on the credentials of the last [`Step::Verify`]: whom they belong to, if anyone.
    ///
    /// # Errors
    /// The connection must be closed without an answer.
    pub(crate) fn verified(
        &mut self,
        account: Option<Principal>,
    ) -> Result<Greeting, ConnectionError> {
        let State::Verifying(form) = self.state else {
            return Err(ConnectionError::Sasl("a verdict came without credentials"));
        };
        self.state = match account {
            Some(principal) => State::Open(principal),
            None => State::Greeting,
        };
        let accepted = self.principal().is_some();
        let error = if accepted { ErrorCode::None } else { ErrorCode::SaslAuthenticationFailed };
        let bytes = match form {
            TokenForm::Bare if !accepted => return Err(ConnectionError::Login),
            TokenForm::Bare => vec![0; 4],
            TokenForm::Authenticate { version, correlation } => {
                let error_message = (!accepted).then_some(LOGIN_REFUSED);
                let response =
                    SaslAuthenticateResponse { error, error_message, ..Default::default() };
                encode_response(version, correlation, response)?.bytes().to_vec()
            }
        };
        let close = (!accepted).then_some(ConnectionError::Login);
        Ok(Greeting { bytes, api: ApiKey::SaslAuthenticate, error, close })
    }

    fn handshake<'a>(
        &mut self,
        header: &RequestHeader<'a>,
        body: &'a [u8],
    ) -> Result<Step<'a>, ConnectionError> {
        let Request::SaslHandshake(request) = Request::decode(header.api, header.version, body)?
        else {
            return Err(ConnectionError::Sasl("the handshake is none"));
        };
        let offered = request.mechanism == PLAIN;
        let error = if offered { ErrorCode::None } else { ErrorCode::UnsupportedSaslMechanism };
        let close = (!offered).then_some(ConnectionError::Sasl("the mechanism is not offered"));
        self.state = match (offered, header.version) {
            (false, _) => Self::start(self.access),
            (true, ApiVersion(0)) => State::BareToken,
            (true, _) => State::Authenticate,
        };
        let response = SaslHandshakeResponse { error, mechanisms: vec![PLAIN] };
        let frame = encode_response(header.version, header.correlation, response)?;
        Ok(greeting(&frame, header.api, error, close))
    }

    fn token<'a>(&mut self, token: &[u8], form: TokenForm) -> Step<'a> {
        self.state = State::Verifying(form);
        Step::Verify(Credentials::parse(token))
    }
}

/// What a client is told about a wrong user and a wrong password alike.
const LOGIN_REFUSED: &str =
    "Authentication failed: wrong user or password (the user is <account>-<group id>)";

fn greeting<'a>(
    frame: &Frame,
    api: ApiKey,
    error: ErrorCode,
    close: Option<ConnectionError>,
) -> Step<'a> {
    Step::Answer(Greeting { bytes: frame.bytes().to_vec(), api, error, close })
}
