//! The streamed answer: frames of chunks.
//!
//! Each frame is `uvarint length | CRC-32C, big endian | ChunkedReadResponse`
//! and holds chunks of one series; the next frame may go on with it. A frame
//! is decoded as soon as it is complete, so what is held is one frame and the
//! samples.

use promql::budget::Budget;
use promql::{Labels, SeriesBatch};

use super::wire::{Field, LabelPairs, Varint, fields, varint};
use super::{Error, Limits};
use crate::gather::chunks;
use crate::gather::columns::{Columns, Window, merge_repeated};
use crate::gather::weight::SERIES_BYTES;

/// Decodes a stream of chunks as its bytes arrive.
#[derive(Debug)]
pub struct StreamDecoder {
    windows: Vec<Window>,
    limits: Limits,
    budget: Budget,
    /// The beginning of a frame; its length is charged to the budget.
    pending: Vec<u8>,
    /// Bytes of all frames before it.
    decoded: u64,
    batches: Vec<SeriesBatch>,
    /// The series that may go on, of which query, and its samples so far.
    current: Option<(usize, Labels)>,
    columns: Columns,
    failed: bool,
}

impl StreamDecoder {
    /// A decoder of the answer to queries with these windows.
    #[must_use]
    pub fn new(windows: &[Window], limits: Limits, budget: Budget) -> Self {
        Self {
            windows: windows.to_vec(),
            limits,
            budget,
            pending: Vec::new(),
            decoded: 0,
            batches: vec![SeriesBatch::new(); windows.len()],
            current: None,
            columns: Columns::new(),
            failed: false,
        }
    }

    /// Takes the next bytes, of any length, and decodes the frames that they
    /// complete. Frames, samples and labels are charged to the budget.
    ///
    /// # Errors
    /// When a frame is damaged, too large, not what was asked for, or over the
    /// budget. The decoder is of no use then.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.failed {
            return Err(Error::Failed);
        }
        let taken = self.take(bytes);
        self.failed = taken.is_err();
        taken
    }

    /// The series of each query, in the server's order, each label set once,
    /// none without samples in its window. That the stream ends between two
    /// frames says nothing: whether it was complete, HTTP knows.
    ///
    /// # Errors
    /// When the stream ended within a frame, or had failed.
    pub fn finish(mut self) -> Result<Vec<SeriesBatch>, Error> {
        if self.failed {
            return Err(Error::Failed);
        }
        if !self.pending.is_empty() {
            return Err(Error::Cut(self.decoded + self.pending.len() as u64));
        }
        self.finish_series();
        Ok(self.batches.into_iter().map(merge_repeated).collect())
    }

    fn take(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !self.pending.is_empty() && !bytes.is_empty() {
            // Until the length is known, byte by byte.
            let wanted = match Frame::at_start_of(&self.pending, self.limits)? {
                Some(frame) => frame.end() - self.pending.len(),
                None => 1,
            };
            let (now, later) = bytes.split_at(wanted.min(bytes.len()));
            self.hold(now)?;
            bytes = later;
            self.decode_pending()?;
        }
        while let Some(frame) = Frame::at_start_of(bytes, self.limits)?
            && frame.end() <= bytes.len()
        {
            let (now, later) = bytes.split_at(frame.end());
            self.frame(frame, now)?;
            bytes = later;
        }
        self.hold(bytes)
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.budget.charge_bytes(bytes.len())?;
        self.pending.extend_from_slice(bytes);
        Ok(())
    }

    fn decode_pending(&mut self) -> Result<(), Error> {
        let frame = Frame::at_start_of(&self.pending, self.limits)?;
        if let Some(frame) = frame.filter(|frame| frame.end() == self.pending.len()) {
            let mut bytes = std::mem::take(&mut self.pending);
            self.frame(frame, &bytes)?;
            self.budget.release_bytes(bytes.len());
            bytes.clear();
            self.pending = bytes;
        }
        Ok(())
    }

    /// A complete frame.
    fn frame(&mut self, frame: Frame, bytes: &[u8]) -> Result<(), Error> {
        self.decoded += bytes.len() as u64;
        let message = &bytes[frame.header..];
        if crc32c::crc32c(message) != frame.checksum {
            return Err(Error::Checksum(self.decoded));
        }
        let query = self.query_of(message)?;
        for field in fields(message) {
            if let Field::Bytes(1, series) = field? {
                self.series(query, series)?;
            }
        }
        Ok(())
    }

    /// The index comes after the series it belongs to.
    fn query_of(&self, message: &[u8]) -> Result<usize, Error> {
        let mut found = 0;
        for field in fields(message) {
            if let Field::Varint(2, index) = field? {
                found = index as i64;
            }
        }
        let query = usize::try_from(found).ok().filter(|query| *query < self.windows.len());
        query.ok_or(Error::Queries { found, asked: self.windows.len() })
    }

    /// A `ChunkedSeries`.
    fn series(&mut self, query: usize, message: &[u8]) -> Result<(), Error> {
        let mut pairs = LabelPairs::default();
        for field in fields(message) {
            if let Field::Bytes(1, label) = field? {
                pairs.push(label)?;
            }
        }
        self.begin_series(query, pairs.labels()?)?;
        for field in fields(message) {
            if let Field::Bytes(2, chunk) = field? {
                self.chunk(query, chunk)?;
            }
        }
        Ok(())
    }

    fn begin_series(&mut self, query: usize, labels: Labels) -> Result<(), Error> {
        if self.current.as_ref().is_some_and(|(own, last)| *own == query && *last == labels) {
            return Ok(());
        }
        self.finish_series();
        self.budget.charge_bytes(labels.heap_bytes() + SERIES_BYTES)?;
        self.current = Some((query, labels));
        Ok(())
    }

    fn finish_series(&mut self) {
        if let Some((query, labels)) = self.current.take() {
            self.columns.finish_into(labels, &mut self.batches[query]);
        }
    }

    /// A `Chunk`. Its time range is not relied on: servers other than
    /// Prometheus may leave it out.
    fn chunk(&mut self, query: usize, message: &[u8]) -> Result<(), Error> {
        let (mut encoding, mut data): (i32, &[u8]) = (0, &[]);
        for field in fields(message) {
            match field? {
                Field::Varint(3, value) => encoding = value as i32,
                Field::Bytes(4, bytes) => data = bytes,
                _ => {}
            }
        }
        let window = self.windows[query];
        Ok(chunks::decode(encoding, data, window, &self.budget, &mut self.columns)?)
    }
}

/// What a frame says of itself before its message.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// Bytes before the message.
    header: usize,
    message: usize,
    checksum: u32,
}

impl Frame {
    /// The frame that begins here, if there is enough of it to know its
    /// length and checksum.
    fn at_start_of(bytes: &[u8], limits: Limits) -> Result<Option<Self>, Error> {
        let (size, length) = match varint(bytes) {
            Varint::Complete(size, length) => (size, length),
            Varint::Incomplete => return Ok(None),
            Varint::TooLong => return Err(Error::Malformed("the length of a frame")),
        };
        // Below 4 GiB, a label set fits whatever it is.
        let limit = limits.frame_bytes.min(u32::MAX as usize);
        let message = usize::try_from(size).ok().filter(|size| *size <= limit);
        let message = message.ok_or(Error::TooLarge { size, limit })?;
        let checksum = bytes[length..].first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
        Ok(checksum.map(|checksum| Self { header: length + 4, message, checksum }))
    }

    /// Bytes of header and message.
    const fn end(&self) -> usize {
        self.header.saturating_add(self.message)
    }
}
