//! A client's connection as bytes, in clear or under TLS.
//!
//! What comes is asked for without making room for it: a client that says nothing costs nothing but its
//! socket and, under TLS, its session. How bytes go out differs, and is not seen here: see `outgoing`.

use std::io;

use bytes::BytesMut;
use tls::ClientStream;
use tokio::io::{AsyncBufReadExt, AsyncReadExt};
use tokio::net::TcpStream;

/// Both ways of one connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    /// Boxed, because most connections are plain and a session is large.
    Tls(Box<ClientStream>),
}

impl Stream {
    /// Waits until there is something to read, the end included.
    pub(crate) async fn readable(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.readable().await,
            Self::Tls(stream) => stream.fill_buf().await.map(|_| ()),
        }
    }

    /// The same for a connection that nothing was read from: tokio takes a new socket for readable until
    /// someone has tried, and a client that says nothing must not be waited for as for one that has begun.
    pub(crate) async fn first_readable(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.peek(&mut [0]).await.map(|_| ()),
            Self::Tls(stream) => stream.fill_buf().await.map(|_| ()),
        }
    }

    /// Reads what there is into the free part of a buffer; nothing is the end.
    pub(crate) async fn read_buf(&mut self, buffer: &mut BytesMut) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read_buf(buffer).await,
            Self::Tls(stream) => stream.read_buf(buffer).await,
        }
    }

    /// Waits until the client has closed its side. One that has already sent its next request counts as
    /// there.
    pub(crate) async fn gone(&mut self) {
        let is_gone = match self {
            Self::Plain(stream) => !matches!(stream.peek(&mut [0]).await, Ok(1..)),
            Self::Tls(stream) => stream.fill_buf().await.map_or(true, <[u8]>::is_empty),
        };
        if !is_gone {
            std::future::pending::<()>().await;
        }
    }
}
