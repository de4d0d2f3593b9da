//! The byte stream to a server: a TCP socket, plain or under TLS, opened within a deadline.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConnection, StreamOwned};

use super::endpoint::Endpoint;
use crate::Error;

/// A blocking byte stream whose reads time out.
pub(super) enum Transport {
    Plain(Arc<TcpStream>),
    Tls(Box<StreamOwned<ClientConnection, ReadAhead>>),
}

/// Ends a connection from another thread: who waits for bytes on it sees its end at once.
#[derive(Debug)]
pub(crate) struct HangUp(Arc<TcpStream>);

impl HangUp {
    pub(crate) fn hang_up(&self) {
        // One that the other side has closed needs none.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

impl Transport {
    /// Connects to the first address of the endpoint that answers.
    pub(super) fn connect(endpoint: &Endpoint, timeout: Duration) -> Result<Self, Error> {
        let addresses = (endpoint.host.as_str(), endpoint.port)
            .to_socket_addrs()
            .map_err(|source| Error::Resolve { host: endpoint.host.clone(), source })?;
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in addresses {
            match open(&address, timeout) {
                Ok(socket) => return Ok(Self::Plain(Arc::new(socket))),
                Err(error) => last = error,
            }
        }
        Err(Error::Connect { address: endpoint.address(), source: last })
    }

    /// Puts TLS over a plain stream and completes the handshake.
    pub(super) fn upgrade(self, session: ClientConnection) -> Result<Self, Error> {
        let Self::Plain(socket) = self else { return Ok(self) };
        let mut stream = StreamOwned::new(session, ReadAhead::new(socket));
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(handshake_error)?;
        }
        Ok(Self::Tls(Box::new(stream)))
    }

    /// Limits how long one read or one write may block.
    pub(super) fn limit_waits(&self, read: Duration, write: Duration) -> Result<(), Error> {
        let socket = self.socket();
        socket
            .set_read_timeout(Some(read))
            .and_then(|()| socket.set_write_timeout(Some(write)))
            .map_err(|source| Error::Io { doing: "setting its timeouts", source })
    }

    /// Limits how long one read may block, for who can be woken otherwise: by the answer. `None` if the
    /// limit stays what it was.
    pub(super) fn wait_up_to(&self, read: Duration) -> Option<HangUp> {
        let socket = self.shared();
        socket.set_read_timeout(Some(read)).ok()?;
        Some(HangUp(Arc::clone(socket)))
    }

    /// Our own address on this connection.
    pub(super) fn local_address(&self) -> Option<SocketAddr> {
        self.socket().local_addr().ok()
    }

    /// TLS version and cipher suite, if encrypted.
    pub(super) fn encryption(&self) -> Option<String> {
        let Self::Tls(stream) = self else { return None };
        let version = stream.conn.protocol_version()?.as_str()?;
        let suite = stream.conn.negotiated_cipher_suite()?.suite();
        Some(format!("{} {}", version.replace('_', "."), suite.as_str().unwrap_or("unknown")))
    }

    /// Whether a read that filled less than it was given has emptied what had arrived.
    pub(super) const fn is_drained(&self) -> bool {
        match self {
            Self::Plain(_) => true,
            Self::Tls(stream) => stream.sock.is_drained(),
        }
    }

    fn socket(&self) -> &TcpStream {
        self.shared()
    }

    const fn shared(&self) -> &Arc<TcpStream> {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => &stream.sock.socket,
        }
    }
}

impl Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => (&**socket).read(buffer),
            Self::Tls(stream) => match stream.read(buffer) {
                // Servers that are killed send no close_notify; the protocol's own framing tells whether
                // something is missing.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
                result => result,
            },
        }
    }
}

impl Write for Transport {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => (&**socket).write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => (&**socket).flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport").field("encryption", &self.encryption()).finish_non_exhaustive()
    }
}

/// Reads the socket in large pieces for rustls, which asks for a few kilobytes at a time.
pub(super) struct ReadAhead {
    socket: Arc<TcpStream>,
    buffer: Box<[u8]>,
    /// Read and not yet taken: `buffer[start..end]`.
    start: usize,
    end: usize,
}

impl ReadAhead {
    fn new(socket: Arc<TcpStream>) -> Self {
        Self { socket, buffer: vec![0; READ_AHEAD].into_boxed_slice(), start: 0, end: 0 }
    }

    const fn is_drained(&self) -> bool {
        self.start == self.end && self.end < self.buffer.len()
    }
}

impl Read for ReadAhead {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end {
            // Set only after success: a timeout leaves the state as it was.
            let count = (&*self.socket).read(&mut self.buffer)?;
            (self.start, self.end) = (0, count);
        }
        let mut ready = self.buffer.get(self.start..self.end).unwrap_or_default();
        let count = ready.read(out)?;
        self.start += count;
        Ok(count)
    }
}

impl Write for ReadAhead {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.socket).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.socket).flush()
    }
}

fn open(address: &SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
    let socket = TcpStream::connect_timeout(address, timeout)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(timeout))?;
    socket.set_write_timeout(Some(timeout))?;
    Ok(socket)
}

/// rustls wraps its own errors in `io::Error`; they say more when taken out again.
fn handshake_error(error: io::Error) -> Error {
    match error.downcast::<rustls::Error>() {
        Ok(error) => Error::Tls(error),
        Err(source) => Error::Io { doing: "starting TLS", source },
    }
}

/// Bytes asked from the socket at once under TLS.
const READ_AHEAD: usize = 256 * 1024;
