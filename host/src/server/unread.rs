//! A request's body before it is read.
//!
//! Whoever answers decides whether it is read at all: a client that waits with
//! `Expect: 100-continue` is told to go on when the first byte is asked for,
//! and not before. Reading has limits on time and size; what is left unread
//! when the answer goes out ends the connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, timeout_at};

use super::Fault;

/// A body that has not been read.
#[derive(Debug)]
pub struct Unread {
    source: Source,
    /// How long all of it may take, counted from the first read.
    patience: Duration,
    /// How long the client may send nothing.
    stall: Duration,
    deadline: Option<Instant>,
    left: Left,
}

#[derive(Debug)]
enum Source {
    Wire(Incoming),
    Memory(Bytes),
}

/// Whether bytes of a request are still to come on its connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Left(Arc<AtomicBool>);

impl Left {
    pub(super) fn is_some(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, left: bool) {
        self.0.store(left, Ordering::Relaxed);
    }
}

impl Unread {
    pub(super) fn new(body: Incoming, patience: Duration) -> Self {
        let left = Left::default();
        left.set(!body.is_end_stream());
        Self { source: Source::Wire(body), patience, stall: patience, deadline: None, left }
    }

    pub(super) fn left(&self) -> Left {
        self.left.clone()
    }

    /// The same, given up also if the client sends nothing for so long.
    #[must_use]
    pub fn stalling_at_most(mut self, stall: Duration) -> Self {
        self.stall = stall;
        self
    }

    /// How many bytes it has, where the client has said so.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        match &self.source {
            Source::Wire(body) => body.size_hint().exact(),
            Source::Memory(bytes) => Some(bytes.len() as u64),
        }
    }

    /// The next bytes; `None` after the last.
    ///
    /// # Errors
    /// [`Fault::Body`] when it breaks off, [`Fault::Slow`] when the client
    /// takes too long.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        let body = match &mut self.source {
            Source::Memory(bytes) => {
                let rest = std::mem::take(bytes);
                return Ok((!rest.is_empty()).then_some(rest));
            }
            Source::Wire(body) => body,
        };
        let now = Instant::now();
        let deadline = *self.deadline.get_or_insert_with(|| now + self.patience);
        loop {
            let frame = timeout_at(deadline.min(now + self.stall), body.frame());
            match frame.await.map_err(|_| Fault::Slow)? {
                None => {
                    self.left.set(false);
                    return Ok(None);
                }
                Some(Err(error)) => return Err(Fault::Body(told(&error))),
                // Trailers mean nothing to anybody here.
                Some(Ok(frame)) => {
                    if let Some(data) = frame.into_data().ok().filter(|data| !data.is_empty()) {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// All of it in one piece. A limit of 0: it is not looked at.
    ///
    /// # Errors
    /// As [`Self::next`], and [`Fault::TooLarge`]; of a body that says how
    /// large it is, nothing is read then.
    pub async fn whole(mut self, limit: usize) -> Result<Bytes, Fault> {
        if limit == 0 {
            // hyper sees to the rest: it skips what has come with the head.
            self.left.set(false);
            return Ok(Bytes::new());
        }
        if self.length().is_some_and(|length| length > limit as u64) {
            return Err(Fault::TooLarge(limit));
        }
        let Some(first) = self.next().await? else { return Ok(Bytes::new()) };
        let Some(second) = self.next().await? else { return within(first, limit) };
        let mut all = [first, second].concat();
        while let Some(more) = self.next().await? {
            if all.len() + more.len() > limit {
                return Err(Fault::TooLarge(limit));
            }
            all.extend_from_slice(&more);
        }
        within(all.into(), limit)
    }
}

fn within(body: Bytes, limit: usize) -> Result<Bytes, Fault> {
    if body.len() > limit { Err(Fault::TooLarge(limit)) } else { Ok(body) }
}

/// hyper's words; the cause says more where there is one.
fn told(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// A body that has been read, for callers that have no connection.
impl From<Bytes> for Unread {
    fn from(bytes: Bytes) -> Self {
        Self {
            source: Source::Memory(bytes),
            patience: Duration::MAX,
            stall: Duration::MAX,
            deadline: None,
            left: Left::default(),
        }
    }
}
