//! One request and its response as metrics and the access log see it: counted
//! when the last byte is sent, or when the client has left.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use hyper::Response;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use hyper::http::request;

use super::body::{Body, Broken};
use super::{Note, Observer};
use crate::telemetry::access_log::Record;
use crate::telemetry::metrics::InFlight;

/// nginx's code for a client that left before the response.
const CLIENT_LEFT: u16 = 499;

/// A request that is being answered. Told of when it is dropped.
pub(super) struct Exchange {
    observer: Observer,
    note: Note,
    record: Record,
    started: Instant,
    _in_flight: InFlight,
}

impl Exchange {
    /// A request has come.
    pub(super) fn begin(
        observer: &Observer,
        peer: SocketAddr,
        head: &request::Parts,
        note: Note,
    ) -> Self {
        Self {
            record: Record {
                ip: peer.ip(),
                method: head.method.clone(),
                path: head.uri.path().to_owned(),
                version: head.version,
                status: CLIENT_LEFT,
                bytes: 0,
            },
            started: Instant::now(),
            _in_flight: observer.metrics.request_begins(),
            observer: observer.clone(),
            note,
        }
    }

    /// The response goes out.
    pub(super) fn respond(mut self, response: Response<Body>) -> Response<Observed> {
        self.record.status = response.status().as_u16();
        response.map(|body| Observed { body, exchange: self })
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let elapsed = self.started.elapsed();
        let handler = self.note.handler();
        self.observer.metrics.request_ends(handler, self.record.status, elapsed, self.record.bytes);
        self.observer.access_log.write(&self.record, SystemTime::now(), elapsed, self.note.form());
    }
}

/// A response's body that counts its bytes.
pub(super) struct Observed {
    body: Body,
    exchange: Exchange,
}

impl HttpBody for Observed {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(context));
        if let Some(Ok(data)) = frame.as_ref().map(|frame| frame.as_ref().map(Frame::data_ref)) {
            this.exchange.record.bytes += data.map_or(0, |data| data.len() as u64);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
