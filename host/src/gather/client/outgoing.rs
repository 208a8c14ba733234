//! A request's body, which may say how much of it is sent.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// What is handed to the connection at a time, if somebody watches.
const PIECE: usize = 64 * 1024;

/// Bytes to send, and who watches.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    rest: Bytes,
    sent: Option<Arc<AtomicU64>>,
}

impl Outgoing {
    pub(super) const fn new(bytes: Bytes) -> Self {
        Self { rest: bytes, sent: None }
    }

    /// Counts in `sent` what the connection has taken.
    pub(super) fn watched(mut self, sent: Arc<AtomicU64>) -> Self {
        self.sent = Some(sent);
        self
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let most = if self.sent.is_some() { PIECE } else { usize::MAX };
        let length = self.rest.len().min(most);
        let piece = self.rest.split_to(length);
        if let Some(sent) = &self.sent {
            sent.fetch_add(length as u64, Ordering::Relaxed);
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_watched_body_arrives_whole_and_is_counted() {
        let bytes = Bytes::from(vec![7; 3 * PIECE + 1]);
        let sent = Arc::new(AtomicU64::new(0));
        let mut body = Outgoing::new(bytes.clone()).watched(Arc::clone(&sent));
        assert_eq!(body.size_hint().exact(), Some(bytes.len() as u64));
        let first = body.frame().await.expect("not empty").expect("cannot fail");
        let first = first.into_data().expect("data");
        assert_eq!((first.len(), sent.load(Ordering::Relaxed)), (PIECE, PIECE as u64));
        let rest = body.collect().await.expect("cannot fail").to_bytes();
        assert_eq!([first, rest].concat(), bytes);
        assert_eq!(sent.load(Ordering::Relaxed), bytes.len() as u64);
    }
}
