//! The door to the API's TCP port: so many connections at a time, and none that stands still for long.
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
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// A TCP port with a bound.
#[derive(Debug)]
pub(crate) struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
    patience: Duration,
}

/// A connection that holds a place.
#[derive(Debug)]
pub(crate) struct Guest {
    stream: TcpStream,
    patience: Duration,
    /// Ends when nothing went in either direction for so long.
    still: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

/// Connections at a time.
const GUESTS_MAX: usize = 256;
/// One on which nothing moves for so long is closed. No answer takes as long to make.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

impl Door {
    pub(crate) fn new(listener: TcpListener) -> Self {
        Self::with_bounds(listener, GUESTS_MAX, PATIENCE)
    }

    fn with_bounds(listener: TcpListener, guests: usize, patience: Duration) -> Self {
        Self { listener, places: Arc::new(Semaphore::new(guests)), patience }
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
        (Guest { stream, patience, still: Box::pin(sleep(patience)), _place: place }, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.address()
    }
}

impl Guest {
    /// What came of trying to move bytes; the wait for it ends when it has taken too long.
    fn moved<T>(
        &mut self,
        outcome: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.still.as_mut().reset(Instant::now() + self.patience);
            return outcome;
        }
        self.still.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Guest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.moved(outcome, context)
    }
}

impl AsyncWrite for Guest {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.moved(outcome, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.moved(outcome, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
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
