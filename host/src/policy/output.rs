//! Where a guest's output goes: a few kilobytes for the log, and the rest
//! nowhere, however much it is.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Bytes that are kept, of standard output and standard error together.
const MOST_BYTES: usize = 4096;
/// What one write may hold. It is copied once, in the host, before it is cut.
const MOST_AT_ONCE: usize = 64 << 10;

/// Standard output and standard error of a guest, in the order of writing.
/// Cloning shares it.
#[derive(Clone, Default)]
pub(super) struct Output(Arc<Mutex<Written>>);

#[derive(Default)]
struct Written {
    kept: Vec<u8>,
    dropped: u64,
}

impl Output {
    /// What was written; nothing if nothing was.
    pub(super) fn text(&self) -> Option<String> {
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if written.kept.is_empty() {
            return None;
        }
        let mut text = String::from_utf8_lossy(&written.kept).into_owned();
        if written.dropped > 0 {
            text.push_str(&format!(" (and {} bytes more)", written.dropped));
        }
        Some(text)
    }

    fn add(&self, bytes: &[u8]) {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST_BYTES - written.kept.len();
        let (kept, dropped) = bytes.split_at(bytes.len().min(room));
        written.kept.extend_from_slice(kept);
        written.dropped += dropped.len() as u64;
    }
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.add(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MOST_AT_ONCE)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Output {
    fn poll_write(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.add(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_and_counted() {
        let output = Output::default();
        assert_eq!(output.text(), None);
        output.add(b"first\n");
        for _ in 0..1000 {
            output.add(&[b'x'; 1000]);
        }
        let text = output.text().expect("something was written");
        let note = " (and 995910 bytes more)";
        assert!(text.starts_with("first\nxxx") && text.ends_with(note), "{text}");
        assert_eq!(text.len(), MOST_BYTES + note.len());
    }
}
