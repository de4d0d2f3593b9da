//! The door to the API's TCP port, in clear or under TLS: so many connections at a time, and none that stands still for long.
//!
//! Whoever comes in addition waits in the system's queue of the port. The admin socket has no such door: who
//! may open it, the folder's rights say.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tls::{Acceptor, ClientStream, HandshakeError, Secured};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// A TCP port with a bound.
#[derive(Debug)]
pub(crate) struct Door {
    listener: TcpListener,
    /// What it shows; `None` speaks plain HTTP.
    tls: Option<Arc<Acceptor>>,
    places: Arc<Semaphore>,
    patience: Duration,
}

/// A connection that holds a place.
#[derive(Debug)]
pub(crate) struct Guest {
    wire: Wire,
    patience: Duration,
    /// Ends when nothing went in either direction for so long.
    still: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

/// How a guest speaks.
enum Wire {
    Plain(TcpStream),
    /// Shaking hands, by the first who reads or writes, so that nobody waits for it at the door.
    Greeting(Handshake),
    Tls(Box<ClientStream>),
    /// The handshake came to nothing.
    Ended,
}

/// Both ways of a connection.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

type Handshake = Pin<Box<dyn Future<Output = Result<Secured, HandshakeError>> + Send>>;

/// Connections at a time.
const GUESTS_MAX: usize = 256;
/// A handshake of TLS may take so long.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(30);
/// One on which nothing moves for so long is closed. No answer takes as long to make.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

impl Door {
    pub(crate) fn new(listener: TcpListener, tls: Option<Arc<Acceptor>>) -> Self {
        Self { tls, ..Self::with_bounds(listener, GUESTS_MAX, PATIENCE) }
    }

    fn with_bounds(listener: TcpListener, guests: usize, patience: Duration) -> Self {
        Self { listener, tls: None, places: Arc::new(Semaphore::new(guests)), patience }
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Listener for Door {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
            // Nobody closes it.
            return std::future::pending().await;
        };
        let (stream, peer) = Listener::accept(&mut self.listener).await;
        let patience = self.patience;
        let (wire, first) = match &self.tls {
            None => (Wire::Plain(stream), patience),
            Some(acceptor) => {
                let acceptor = Arc::clone(acceptor);
                let handshake = async move { acceptor.accept(stream).await };
                (Wire::Greeting(Box::pin(handshake)), HANDSHAKE_PATIENCE.min(patience))
            }
        };
        (Guest { wire, patience, still: Box::pin(sleep(first)), _place: place }, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.address()
    }
}

impl Guest {
    /// Moves bytes once hands are shaken. The wait for either ends when it has taken too long.
    fn moved<T>(
        &mut self,
        context: &mut Context<'_>,
        how: impl FnOnce(&mut Wire, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let outcome = match self.wire.greet(context) {
            Poll::Ready(Ok(())) => how(&mut self.wire, context),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        };
        if outcome.is_ready() {
            self.still.as_mut().reset(Instant::now() + self.patience);
            return outcome;
        }
        self.still.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Wire {
    /// Goes on with the handshake, if there is one.
    fn greet(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self::Greeting(handshake) = self else { return Poll::Ready(Ok(())) };
        handshake.as_mut().poll(context).map(|shaken| {
            let (wire, ended) = match shaken {
                Ok(Secured { stream, .. }) => (Self::Tls(Box::new(stream)), Ok(())),
                Err(error) => (Self::Ended, Err(io::Error::other(error))),
            };
            *self = wire;
            ended
        })
    }

    /// What is read from and written to; nothing before hands are shaken.
    fn stream(&mut self) -> Option<Pin<&mut dyn Stream>> {
        match self {
            Self::Plain(stream) => Some(Pin::new(stream)),
            Self::Tls(stream) => Some(Pin::new(stream.as_mut())),
            Self::Greeting(_) | Self::Ended => None,
        }
    }
}

impl AsyncRead for Guest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.moved(context, |wire, context| match wire.stream() {
            Some(stream) => stream.poll_read(context, buffer),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        })
    }
}

impl AsyncWrite for Guest {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.moved(context, |wire, context| match wire.stream() {
            Some(stream) => stream.poll_write(context, bytes),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        })
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.moved(context, |wire, context| match wire.stream() {
            Some(stream) => stream.poll_write_vectored(context, parts),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        })
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.stream().map_or(Poll::Ready(Ok(())), |stream| stream.poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.stream().map_or(Poll::Ready(Ok(())), |stream| stream.poll_shutdown(context))
    }
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Greeting(_) => "Greeting",
            Self::Tls(_) => "Tls",
            Self::Ended => "Ended",
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn door(guests: usize, patience: Duration) -> Door {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Door::with_bounds(listener, guests, patience)
    }

    #[tokio::test]
    async fn who_comes_in_addition_waits_until_another_goes() {
        let mut door = door(1, PATIENCE).await;
        let mut clients = Vec::new();
        for _ in 0..2 {
            clients.push(TcpStream::connect(door.address().unwrap()).await.unwrap());
        }
        let (first, _) = door.accept().await;
        let early = tokio::time::timeout(Duration::from_millis(50), door.accept()).await;
        assert!(early.is_err(), "there is no place");
        drop(first);
        let (mut second, _) = door.accept().await;
        clients[1].write_all(b"still here").await.unwrap();
        let mut heard = [0; 10];
        second.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"still here");
    }

    #[tokio::test]
    async fn a_connection_on_which_nothing_moves_ends() {
        let mut door = door(1, Duration::from_millis(20)).await;
        let _silent = TcpStream::connect(door.address().unwrap()).await.unwrap();
        let (mut guest, _) = door.accept().await;
        let ended = guest.read(&mut [0]).await.unwrap_err();
        assert_eq!(ended.kind(), io::ErrorKind::TimedOut);
    }
}
