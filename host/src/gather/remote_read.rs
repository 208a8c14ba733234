//! Remote read: Prometheus's protobuf protocol for raw samples.
//!
//! In: what is asked, and the bytes of an answer as they arrive. Out: a
//! request body, and one `SeriesBatch` per query. Chunks are asked for
//! first, samples as the alternative that every server knows. No I/O here.
//!
//! Stale markers are kept. Labels come out sorted; **a server adds its
//! `external_labels` to every series** (and drops matchers on them), and they
//! are left in place here: the caller knows the server and takes them off.

mod message;
mod request;
mod samples;
mod stream;
mod wire;

use promql::budget::Exceeded;

use super::chunks;
use super::columns::Window;

pub use request::{Hints, Query, ResponseType, encode_request};
pub use samples::decode_samples;
pub use stream::StreamDecoder;

/// `Content-Type` of a request.
pub const CONTENT_TYPE: &str = "application/x-protobuf";
/// `Content-Encoding` of a request, and `Accept-Encoding`: snappy in its block
/// format. Streamed answers come without any encoding.
pub const CONTENT_ENCODING: &str = "snappy";
/// Name of the header with the protocol's version.
pub const VERSION_HEADER: &str = "X-Prometheus-Remote-Read-Version";
/// The protocol's version.
pub const VERSION: &str = "0.1.0";

/// Which answer a server chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For [`decode_samples`].
    Samples,
    /// For [`StreamDecoder`].
    Streamed,
}

impl Format {
    /// By the `Content-Type` of an answer, as Prometheus's own client does.
    #[must_use]
    pub fn of_content_type(value: &str) -> Option<Self> {
        const STREAMED: &str = "application/x-streamed-protobuf";
        let mut parts = value.split(';').map(str::trim);
        match parts.next()? {
            CONTENT_TYPE => Some(Self::Samples),
            STREAMED if parts.any(|part| part == "proto=prometheus.ChunkedReadResponse") => {
                Some(Self::Streamed)
            }
            _ => None,
        }
    }
}

/// What an answer may cost before its contents are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one frame of a stream. Prometheus sends about 1 MiB, but a
    /// frame holds at least one whole chunk.
    pub frame_bytes: usize,
    /// Bytes of a sample answer after decompression.
    pub body_bytes: usize,
}

impl Default for Limits {
    /// 50 MB a frame, as in Prometheus's client; a gigabyte of samples.
    fn default() -> Self {
        Self { frame_bytes: 50_000_000, body_bytes: 1 << 30 }
    }
}

/// Why an answer gives no series.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The stream ended within a frame; asking again may help.
    #[error("the stream is cut after {0} bytes, within a frame")]
    Cut(u64),
    /// A frame or body is larger than allowed.
    #[error("{size} bytes in one message, over the limit of {limit}")]
    TooLarge {
        /// Its size.
        size: u64,
        /// The limit.
        limit: usize,
    },
    /// A frame is not what was sent.
    #[error("a frame that ends at byte {0} has a wrong checksum")]
    Checksum(u64),
    /// The bytes are no such message.
    #[error("malformed message: {0}")]
    Malformed(&'static str),
    /// A label set is not one.
    #[error("invalid labels: {0}")]
    Labels(&'static str),
    /// An answer to another number of queries than was asked.
    #[error("an answer to query {found} of {asked}")]
    Queries {
        /// Which query, or how many.
        found: i64,
        /// How many were asked.
        asked: usize,
    },
    /// A chunk cannot be read.
    #[error(transparent)]
    Chunk(#[from] chunks::Error),
    /// The decoder was used on after an error.
    #[error("the stream has failed before")]
    Failed,
    /// Over the query's budget.
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
}

impl Error {
    /// True if the server has the data but in a form we do not know: asked for
    /// samples only, it can still send them.
    #[must_use]
    pub const fn wants_samples(&self) -> bool {
        matches!(self, Self::Chunk(chunks::Error::UnknownEncoding(_)))
    }
}

/// All the windows of some queries, as the decoders want them.
#[must_use]
pub fn windows(queries: &[Query<'_>]) -> Vec<Window> {
    queries.iter().map(|query| query.window).collect()
}

#[cfg(test)]
mod tests;
