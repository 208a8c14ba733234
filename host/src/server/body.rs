//! The body of a response: in one piece, or as chunks that are still being
//! made.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::mpsc;

/// A response's body.
#[derive(Debug)]
pub struct Body(Inner);

#[derive(Debug)]
enum Inner {
    Whole(Bytes),
    Chunks(mpsc::Receiver<Result<Bytes, Broken>>),
}

/// The rest of a body cannot be made; the client sees the connection break,
/// for the status code is long sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the response could not be completed")]
pub struct Broken;

impl Body {
    /// A body without bytes.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Inner::Whole(Bytes::new()))
    }

    /// A body that is known whole; its length is sent.
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        Self(Inner::Whole(bytes.into()))
    }

    /// A body in chunks, ended by closing the channel. A bounded channel keeps
    /// whoever makes them at the client's pace; when the client leaves, the
    /// channel closes.
    #[must_use]
    pub const fn chunks(receiver: mpsc::Receiver<Result<Bytes, Broken>>) -> Self {
        Self(Inner::Chunks(receiver))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        Poll::Ready(match &mut self.get_mut().0 {
            Inner::Whole(bytes) if bytes.is_empty() => None,
            Inner::Whole(bytes) => Some(Ok(Frame::data(std::mem::take(bytes)))),
            Inner::Chunks(receiver) => {
                ready!(receiver.poll_recv(context)).map(|chunk| chunk.map(Frame::data))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Inner::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Inner::Chunks(_) => SizeHint::default(),
        }
    }
}
