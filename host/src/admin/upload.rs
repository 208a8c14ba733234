//! A component on its way in.
//!
//! Everything that can be said without the body is said before the first byte
//! of it is asked for; then it is taken into memory, as it comes, up to the
//! limit. A few uploads are under way at once, so that is a few times the
//! limit at most. Nothing is decompressed, ever.

use std::time::Duration;

use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use sha2::{Digest as _, Sha256};

use super::Error;
use crate::server::queue::{Place, Queue};
use crate::server::{Fault, Unread};

/// Uploads at once, and uploads that wait for their turn.
const AT_ONCE: usize = 2;
const WAITING: usize = 4;

/// Most memory that is set aside because a client says so.
const MAX_RESERVED: u64 = 64 << 20;

/// Takes uploads in.
#[derive(Debug)]
pub(super) struct Uploads {
    queue: Queue,
    max_bytes: u64,
    /// How long a client may send nothing.
    stall: Duration,
}

/// An upload that is whole. Its place is kept until it is dealt with.
pub(super) struct Upload {
    pub bytes: Vec<u8>,
    /// SHA-256 in hexadecimal.
    pub digest: String,
    _place: Place,
}

impl Uploads {
    pub(super) fn new(max_bytes: u64, stall: Duration) -> Self {
        Self { queue: Queue::new(AT_ONCE, WAITING), max_bytes, stall }
    }

    /// What speaks against an upload before it is read.
    pub(super) fn check(&self, headers: &HeaderMap, body: &Unread) -> Result<(), Error> {
        check_form(headers)?;
        match body.length() {
            Some(0) => Err(Error::EmptyUpload),
            Some(length) if length > self.max_bytes => Err(self.too_large()),
            _ => Ok(()),
        }
    }

    /// Takes all of it.
    pub(super) async fn take(&self, body: Unread) -> Result<Upload, Error> {
        let place = self.queue.enter().await.map_err(|_| Error::Busy)?;
        let mut body = body.stalling_at_most(self.stall);
        let announced = body.length().unwrap_or(0).min(self.max_bytes).min(MAX_RESERVED);
        let mut bytes = Vec::with_capacity(usize::try_from(announced).unwrap_or(0));
        let mut digest = Sha256::new();
        while let Some(chunk) = body.next().await? {
            if (bytes.len() + chunk.len()) as u64 > self.max_bytes {
                return Err(self.too_large());
            }
            digest.update(&chunk);
            bytes.extend_from_slice(&chunk);
        }
        if bytes.is_empty() {
            return Err(Error::EmptyUpload);
        }
        let digest = format!("{:x}", digest.finalize());
        Ok(Upload { bytes, digest, _place: place })
    }

    fn too_large(&self) -> Error {
        Fault::TooLarge(usize::try_from(self.max_bytes).unwrap_or(usize::MAX)).into()
    }
}

/// Bytes as they are, or nothing.
fn check_form(headers: &HeaderMap) -> Result<(), Error> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?").trim());
    for value in headers.get_all(CONTENT_ENCODING) {
        let coding = value.to_str().unwrap_or("?").trim();
        if !coding.eq_ignore_ascii_case("identity") {
            return Err(Error::Media(format!(
                "Content-Encoding {coding:?} is not taken: upload the component uncompressed"
            )));
        }
    }
    let content_type = text(CONTENT_TYPE).unwrap_or("").split(';').next().unwrap_or("");
    let is_form = content_type.to_ascii_lowercase().starts_with("multipart/")
        || content_type.eq_ignore_ascii_case("application/x-www-form-urlencoded");
    if is_form {
        return Err(Error::Media(format!(
            "a form ({content_type}) is not taken: send the component's bytes themselves, with \
             curl -T FILE URL, or with --data-binary @FILE and -H 'Content-Type: application/wasm'"
        )));
    }
    Ok(())
}
