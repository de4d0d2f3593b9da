//! A Kafka client as small as tests need it.

use std::net::IpAddr;

use kafka::messages::{
    Message, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest,
    SaslHandshakeResponse, decode,
};
use kafka::{ApiVersion, CorrelationId, ErrorCode, encode_request, split_response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::Server;

pub(super) struct Client {
    pub(super) stream: TcpStream,
    correlation: i32,
}

impl Client {
    pub(super) async fn connect(server: &Server) -> Self {
        Self { stream: TcpStream::connect(server.address).await.unwrap(), correlation: 0 }
    }

    /// Connects from this address of the machine.
    pub(super) async fn connect_from(server: &Server, from: IpAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        Self { stream: socket.connect(server.address).await.unwrap(), correlation: 0 }
    }

    /// Connects and logs in as a current client does.
    pub(super) async fn login(server: &Server, user: &str, password: &str) -> Self {
        let mut client = Self::connect(server).await;
        assert_eq!(client.authenticate(user, password).await, ErrorCode::None);
        client
    }

    /// SaslHandshake v1 and SaslAuthenticate v2.
    pub(super) async fn authenticate(&mut self, user: &str, password: &str) -> ErrorCode {
        let shake = self.call(1, SaslHandshakeRequest { mechanism: "PLAIN" }).await;
        let shake: SaslHandshakeResponse<'_> = response(1, &shake);
        assert_eq!(shake.error, ErrorCode::None);
        assert_eq!(shake.mechanisms, ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]);
        let token = format!("\0{user}\0{password}");
        let request = SaslAuthenticateRequest { auth_bytes: token.as_bytes() };
        let answer = self.call(2, request).await;
        let answer: SaslAuthenticateResponse<'_> = response(2, &answer);
        answer.error
    }

    pub(super) async fn send<'a>(&mut self, version: i16, message: impl Message<'a>) {
        self.correlation += 1;
        let correlation = CorrelationId(self.correlation);
        let frame =
            encode_request(ApiVersion(version), correlation, Some("test"), message).unwrap();
        self.stream.write_all(frame.bytes()).await.unwrap();
    }

    /// The next answer, its correlation id included.
    pub(super) async fn receive(&mut self) -> Vec<u8> {
        self.try_receive().await.expect("the broker closed the connection")
    }

    pub(super) async fn try_receive(&mut self) -> Option<Vec<u8>> {
        let length = self.stream.read_i32().await.ok()?;
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload).await.ok()?;
        Some(payload)
    }

    pub(super) async fn call<'a>(&mut self, version: i16, message: impl Message<'a>) -> Vec<u8> {
        self.send(version, message).await;
        self.receive().await
    }

    /// Whether the broker has closed the connection without another byte.
    pub(super) async fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        matches!(self.stream.read(&mut byte).await, Ok(0) | Err(_))
    }
}

/// Reads an answer.
pub(super) fn response<'a, M: Message<'a>>(version: i16, payload: &'a [u8]) -> M {
    let (_, body) = split_response(M::API, ApiVersion(version), payload).unwrap();
    decode(ApiVersion(version), body).unwrap()
}

/// The correlation id of an answer.
pub(super) fn correlation(payload: &[u8]) -> i32 {
    i32::from_be_bytes(payload[..4].try_into().unwrap())
}
