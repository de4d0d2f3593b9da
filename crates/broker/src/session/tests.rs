use std::sync::Arc;

use catalog::{ScramHash, ScramVerifier};
use change::{GroupId, TaskName};
use kafka::messages::{HeartbeatRequest, Message, MetadataRequest};
use kafka::{encode_request, split_response};

use super::*;

const LIFETIME: Duration = Duration::from_secs(60);

/// A session and its clock.
struct Desk {
    session: Session,
    now: Instant,
}

impl Desk {
    fn new(access: Access, mechanisms: &[Mechanism], lifetime: Option<Duration>) -> Self {
        let terms = Terms { mechanisms: mechanisms.to_vec(), lifetime };
        Self { session: Session::new(access, None, Arc::new(terms)), now: Instant::now() }
    }

    fn accounts() -> Self {
        Self::new(Access::Accounts, &Mechanism::ALL, None)
    }

    fn renewed() -> Self {
        Self::new(Access::Accounts, &Mechanism::ALL, Some(LIFETIME))
    }

    /// Hands a request in; answers the error of the answer, or `None` for a close without one.
    fn call<'a>(&mut self, version: i16, request: impl Message<'a>) -> Option<ErrorCode> {
        let frame =
            encode_request(ApiVersion(version), CorrelationId(1), Some("test"), request).unwrap();
        self.frame(frame.payload())
    }

    /// The same with the bytes of a frame. Who logs in as `billing` is right.
    fn frame(&mut self, frame: &[u8]) -> Option<ErrorCode> {
        self.greet(frame).map(|greeting| greeting.error)
    }

    fn greet(&mut self, frame: &[u8]) -> Option<Greeting> {
        let step = self.session.receive(self.now, frame).ok()?;
        let Step::Ask(question) = step else {
            return match step {
                Step::Answer(greeting) => Some(greeting),
                step => panic!("{step:?}"),
            };
        };
        let account = |user: &str| match user {
            "billing" => Some(account("dtsa")),
            "audit" => Some(account("dtsb")),
            _ => None,
        };
        let found = match question {
            Question::Password(credentials) => Found::Password(account(&credentials.user)),
            Question::Verifier { user, .. } => Found::Verifier {
                verifier: ScramVerifier {
                    salt: vec![1],
                    iterations: std::num::NonZeroU32::MIN,
                    stored_key: vec![2; 32],
                    server_key: vec![3; 32],
                },
                principal: account(&user),
                nonce: "n".into(),
            },
            Question::Guess { .. } => Found::Turn,
        };
        match self.session.found(found).ok()? {
            Step::Answer(greeting) => Some(greeting),
            Step::Admit(_) => self.session.admit(self.now, Ok(())).ok(),
            step => panic!("{step:?}"),
        }
    }

    fn shake(&mut self, version: i16, mechanism: &str) -> Option<ErrorCode> {
        self.call(version, SaslHandshakeRequest { mechanism })
    }

    fn token(&mut self, token: &str) -> Option<ErrorCode> {
        self.call(2, SaslAuthenticateRequest { auth_bytes: token.as_bytes() })
    }

    fn login(mut self) -> Self {
        assert_eq!(self.shake(1, "PLAIN"), Some(ErrorCode::None));
        assert_eq!(self.token("\0billing\0right"), Some(ErrorCode::None));
        self
    }

    /// Whether an ordinary request is served now.
    fn serves(&mut self) -> bool {
        let request = MetadataRequest::default();
        let frame = encode_request(ApiVersion(9), CorrelationId(1), None, request).unwrap();
        matches!(self.session.receive(self.now, frame.payload()), Ok(Step::Serve { .. }))
    }
}

fn account(group: &str) -> Principal {
    let group = GroupId::new(group).unwrap();
    Principal::Account { group, task: TaskName::new("shop").unwrap() }
}

fn software(name: &'static str) -> ApiVersionsRequest<'static> {
    ApiVersionsRequest { client_software_name: name, client_software_version: "1.0" }
}

#[test]
fn a_login_opens_the_door() {
    let mut desk = Desk::accounts();
    assert!(!desk.serves());
    assert!(desk.session.principal().is_none());
    let mut desk = Desk::accounts().login();
    assert!(desk.serves());
    assert_eq!(desk.session.principal(), Some(&account("dtsa")));
}

#[test]
fn a_wrong_password_is_told_and_closes() {
    for token in ["\0nobody\0right", "nonsense", ""] {
        let mut desk = Desk::accounts();
        desk.shake(1, "PLAIN");
        let request = SaslAuthenticateRequest { auth_bytes: token.as_bytes() };
        let frame = encode_request(ApiVersion(2), CorrelationId(7), None, request).unwrap();
        let greeting = desk.greet(frame.payload()).unwrap();
        assert_eq!(greeting.error, ErrorCode::SaslAuthenticationFailed);
        assert!(matches!(greeting.close, Some(ConnectionError::Login { .. })), "{token:?}");
        let payload = greeting.bytes.get(4..).unwrap();
        let (_, body) = split_response(ApiKey::SaslAuthenticate, ApiVersion(2), payload).unwrap();
        let response: SaslAuthenticateResponse<'_> = decode(ApiVersion(2), body).unwrap();
        assert_eq!(response.error_message, Some(LOGIN_REFUSED));
    }
}

#[test]
fn a_bare_token_is_answered_by_a_bare_length_or_by_nothing() {
    let mut desk = Desk::accounts();
    desk.shake(0, "PLAIN");
    assert_eq!(desk.greet(b"\0billing\0right").unwrap().bytes, [0; 4]);
    assert!(desk.serves());
    let mut desk = Desk::accounts();
    desk.shake(0, "PLAIN");
    let greeting = desk.greet(b"\0nobody\0right").unwrap();
    assert!(greeting.bytes.is_empty());
    assert!(matches!(greeting.close, Some(ConnectionError::Login { .. })));
}

/// kafka-clients 0.10.2 and 0.11, and sarama by default, speak SCRAM this way.
#[test]
fn scram_is_spoken_with_bare_tokens_too() {
    let mut desk = Desk::accounts();
    desk.shake(0, "SCRAM-SHA-256");
    let greeting = desk.greet(b"n,,n=billing,r=c").unwrap();
    let challenge = b"r=cn,s=AQ==,i=1";
    let length = u32::try_from(challenge.len()).unwrap().to_be_bytes();
    assert_eq!(greeting.bytes, [&length[..], challenge].concat());
    let proof = "A".repeat(43) + "=";
    let greeting = desk.greet(format!("c=biws,r=cn,p={proof}").as_bytes()).unwrap();
    assert!(greeting.bytes.is_empty() && greeting.close.is_some());
}

#[test]
fn what_is_not_offered_is_refused_with_what_is() {
    let scram = Mechanism::Scram(ScramHash::Sha512);
    let mut desk = Desk::new(Access::Accounts, &[scram], None);
    for wrong in ["PLAIN", "SCRAM-SHA-256", "GSSAPI", "scram-sha-512", ""] {
        let request = SaslHandshakeRequest { mechanism: wrong };
        let frame = encode_request(ApiVersion(1), CorrelationId(7), None, request).unwrap();
        let greeting = desk.greet(frame.payload()).unwrap();
        assert!(greeting.close.is_some());
        let payload = greeting.bytes.get(4..).unwrap();
        let (_, body) = split_response(ApiKey::SaslHandshake, ApiVersion(1), payload).unwrap();
        let response: SaslHandshakeResponse<'_> = decode(ApiVersion(1), body).unwrap();
        assert_eq!(response.error, ErrorCode::UnsupportedSaslMechanism);
        assert_eq!(response.mechanisms, ["SCRAM-SHA-512"]);
    }
    assert_eq!(desk.shake(1, "SCRAM-SHA-512"), Some(ErrorCode::None));
}

#[test]
fn versions_are_told_once_before_a_login_and_always_after_it() {
    let mut desk = Desk::accounts();
    assert_eq!(desk.call(3, software("librdkafka")), Some(ErrorCode::None));
    assert_eq!(desk.call(3, software("librdkafka")), None);
    let mut desk = Desk::accounts();
    assert_eq!(
        desk.frame(b"\0\x12\x7f\xff\0\0\0\x01\xff\xff\0"),
        Some(ErrorCode::UnsupportedVersion)
    );
    assert_eq!(desk.call(3, software("")), Some(ErrorCode::InvalidRequest));
    assert_eq!(desk.call(3, software("-x")), Some(ErrorCode::InvalidRequest));
    assert_eq!(desk.call(3, software("x_y")), Some(ErrorCode::InvalidRequest));
    assert_eq!(desk.call(0, software("")), Some(ErrorCode::None));
    let mut desk = Desk::accounts().login();
    for _ in 0..2 {
        assert_eq!(desk.call(3, software("a.b-c")), Some(ErrorCode::None));
    }
}

#[test]
fn requests_out_of_turn_close() {
    let mut desk = Desk::accounts();
    assert_eq!(desk.token("\0billing\0right"), None, "no handshake");
    let mut desk = Desk::accounts();
    desk.shake(1, "PLAIN");
    assert_eq!(desk.call(0, HeartbeatRequest::default()), None);
    let mut desk = Desk::accounts();
    desk.shake(1, "PLAIN");
    assert_eq!(desk.shake(1, "PLAIN"), Some(ErrorCode::IllegalSaslState));
    assert_eq!(desk.call(0, software("")), Some(ErrorCode::IllegalSaslState));
    let frame = encode_request(ApiVersion(0), CorrelationId(1), None, software("")).unwrap();
    assert!(desk.greet(frame.payload()).unwrap().close.is_some(), "told, and closed");
}

#[test]
fn who_has_logged_in_does_so_no_more_where_logins_last() {
    let mut desk = Desk::accounts().login();
    desk.now += 1000 * LIFETIME;
    assert_eq!(desk.shake(1, "PLAIN"), Some(ErrorCode::IllegalSaslState));
    assert_eq!(desk.token("\0billing\0right"), Some(ErrorCode::IllegalSaslState));
    assert!(desk.serves());
}

#[test]
fn a_login_that_is_not_renewed_ends() {
    let mut desk = Desk::renewed().login();
    desk.now += LIFETIME - Duration::from_millis(1);
    assert!(desk.serves());
    desk.now += Duration::from_millis(1);
    assert!(!desk.serves());
    assert_eq!(desk.call(3, software("x")), None);
}

#[test]
fn a_login_is_renewed_on_the_same_connection() {
    let mut desk = Desk::renewed().login();
    for _ in 0..3 {
        desk.now += LIFETIME;
        assert_eq!(desk.shake(1, "PLAIN"), Some(ErrorCode::None), "also when it is over already");
        assert_eq!(desk.session.principal(), Some(&account("dtsa")));
        let request = SaslAuthenticateRequest { auth_bytes: b"\0billing\0right" };
        let frame = encode_request(ApiVersion(1), CorrelationId(7), None, request).unwrap();
        let greeting = desk.greet(frame.payload()).unwrap();
        let payload = greeting.bytes.get(4..).unwrap();
        let (_, body) = split_response(ApiKey::SaslAuthenticate, ApiVersion(1), payload).unwrap();
        let response: SaslAuthenticateResponse<'_> = decode(ApiVersion(1), body).unwrap();
        assert_eq!(response.session_lifetime_ms, 60_000);
        assert!(desk.serves());
    }
}

#[test]
fn a_login_is_renewed_at_most_once_a_second() {
    let mut desk = Desk::renewed().login();
    assert_eq!(desk.shake(1, "PLAIN"), Some(ErrorCode::None));
    assert_eq!(desk.token("\0billing\0right"), Some(ErrorCode::None));
    desk.now += Duration::from_millis(999);
    assert_eq!(desk.shake(1, "PLAIN"), Some(ErrorCode::IllegalSaslState));
    desk.now += Duration::from_millis(1);
    assert_eq!(desk.shake(1, "PLAIN"), Some(ErrorCode::None));
}

#[test]
fn a_renewal_changes_neither_who_nor_how() {
    let mut desk = Desk::renewed().login();
    desk.shake(1, "PLAIN");
    assert_eq!(desk.token("\0audit\0right"), Some(ErrorCode::SaslAuthenticationFailed));
    let mut desk = Desk::renewed().login();
    desk.shake(1, "PLAIN");
    assert_eq!(desk.token("\0billing\0"), Some(ErrorCode::SaslAuthenticationFailed));
    let mut desk = Desk::renewed().login();
    assert_eq!(desk.shake(1, "SCRAM-SHA-256"), Some(ErrorCode::None));
    assert_eq!(desk.token("n,,n=billing,r=c"), None);
}

#[test]
fn who_need_not_log_in_may() {
    let mut desk = Desk::new(Access::Anonymous, &Mechanism::ALL, Some(LIFETIME));
    assert!(desk.serves());
    desk.now += 2 * LIFETIME;
    assert!(desk.serves(), "nobody's login ends");
    let mut desk = desk.login();
    assert_eq!(desk.session.principal(), Some(&account("dtsa")));
    desk.now += LIFETIME;
    assert!(!desk.serves());
}

#[test]
fn who_finds_no_room_is_told_so() {
    let mut desk = Desk::accounts();
    desk.shake(1, "PLAIN");
    let request = SaslAuthenticateRequest { auth_bytes: b"\0billing\0right" };
    let frame = encode_request(ApiVersion(1), CorrelationId(7), None, request).unwrap();
    let step = desk.session.receive(desk.now, frame.payload()).unwrap();
    assert!(matches!(step, Step::Ask(Question::Password(_))));
    let step = desk.session.found(Found::Password(Some(account("dtsa")))).unwrap();
    assert!(matches!(step, Step::Admit(_)));
    let full = ConnectionError::Full(crate::places::Full::Group(3));
    let greeting = desk.session.admit(desk.now, Err(full)).unwrap();
    assert_eq!(greeting.error, ErrorCode::SaslAuthenticationFailed);
    assert!(matches!(greeting.close, Some(ConnectionError::Full(_))));
}

#[test]
fn verdicts_without_a_question_close() {
    let mut desk = Desk::accounts();
    assert!(desk.session.found(Found::Turn).is_err());
    assert!(desk.session.admit(desk.now, Ok(())).is_err());
    desk.shake(1, "PLAIN");
    assert!(desk.session.admit(desk.now, Ok(())).is_err());
}
