//! A client's socket with limits on its patience.
//!
//! hyper limits how long a request's head may take; it does not limit how
//! long a client may be silent before its first byte (HTTP/1 or 2 is not known
//! yet), nor how long one may take nothing of a response. Closing is done here
//! too: a socket closed with unread bytes resets the connection, and a client
//! that is still sending would lose the response that tells it why.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep, timeout};

/// How long and how much a client may go on sending after its last response.
const LINGER: Duration = Duration::from_secs(5);
const LINGER_BYTES: usize = 64 << 20;

/// A socket that gives up on a silent or stalled client.
pub(super) struct Io {
    stream: Arc<TcpStream>,
    /// Set until the first byte has come.
    first_byte: Option<Pin<Box<Sleep>>>,
    /// Set while the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    write_timeout: Duration,
}

impl Io {
    /// Wraps a fresh connection.
    pub(super) fn new(
        stream: Arc<TcpStream>,
        read_timeout: Duration,
        write_timeout: Duration,
    ) -> Self {
        Self {
            stream,
            first_byte: Some(Box::pin(sleep(read_timeout))),
            stalled: None,
            write_timeout,
        }
    }

    /// Ready once the socket takes bytes; fails if it does not for too long.
    fn poll_writable(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(result) = self.stream.poll_write_ready(context) {
            return Poll::Ready(result);
        }
        let limit = self.write_timeout;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing")))
    }

    fn poll_with(
        &mut self,
        context: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.poll_writable(context))?;
            match write(&self.stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => {
                    self.stalled = None;
                    return Poll::Ready(result);
                }
            }
        }
    }
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while let Poll::Ready(result) = this.stream.poll_read_ready(context) {
            result?;
            match this.stream.try_read(buffer.initialize_unfilled()) {
                Ok(count) => {
                    buffer.advance(count);
                    this.first_byte = None;
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        if let Some(first_byte) = &mut this.first_byte {
            ready!(first_byte.as_mut().poll(context));
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the client says nothing",
            )));
        }
        Poll::Pending
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_with(context, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_with(context, |stream| stream.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(end_writing(&self.stream))
    }
}

/// Tells the client that nothing more comes. Tokio does it only through a
/// unique reference, so a second descriptor of the same socket is used.
fn end_writing(stream: &TcpStream) -> io::Result<()> {
    let second = std::net::TcpStream::from(stream.as_fd().try_clone_to_owned()?);
    match second.shutdown(Shutdown::Write) {
        // The client has closed already.
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        result => result,
    }
}

/// Ends a connection so that the client gets its last response: nothing more
/// is written, and what it still sends is read and thrown away.
pub(super) async fn linger(stream: &TcpStream) {
    if end_writing(stream).is_err() {
        return;
    }
    let mut left = LINGER_BYTES;
    let mut waste = [0; 16 * 1024];
    let drained = async {
        while left > 0 && stream.readable().await.is_ok() {
            match stream.try_read(&mut waste) {
                Ok(0) => break,
                Ok(count) => left = left.saturating_sub(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
        }
    };
    // Either way the socket is closed next.
    let _ = timeout(LINGER, drained).await;
}
