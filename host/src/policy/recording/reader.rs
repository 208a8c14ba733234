//! Recordings, frame by frame.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use super::{EXTENSION, Entry, Error, FRAME_HEAD, MAGIC, MAX_PAYLOAD, VERSION, decode};

/// Checksum of a frame: of its lengths and of its payload.
pub(super) fn checksum(lengths: &[u8], payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(lengths), payload)
}

/// The files of a recording: the file itself, or those of a folder, oldest
/// first.
///
/// # Errors
/// When the folder cannot be listed or holds none.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, Error> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let failed = |source| Error::Open { path: path.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_some_and(|end| end == EXTENSION) {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() { Err(Error::NoFiles { path: path.to_owned() }) } else { Ok(files) }
}

/// The entries of one file, in the order in which they were recorded. An error
/// is the last item: what comes behind damage is not looked at.
pub struct Reader {
    source: Box<dyn Read + Send>,
    path: PathBuf,
    /// Bytes read up to the last whole frame.
    offset: u64,
    ended: bool,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("path", &self.path)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

impl Reader {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be opened, or is something else.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file =
            File::open(path).map_err(|source| Error::Open { path: path.to_owned(), source })?;
        Self::new(Box::new(BufReader::with_capacity(1 << 16, file)), path)
    }

    /// Reads from anything; `path` is what errors call it.
    ///
    /// # Errors
    /// When it is something else.
    pub fn new(mut source: Box<dyn Read + Send>, path: &Path) -> Result<Self, Error> {
        let mut head = [0; MAGIC.len() + 1];
        let read = fill(&mut source, &mut head)
            .map_err(|source| Error::Open { path: path.to_owned(), source })?;
        if read < head.len() || head[..MAGIC.len()] != MAGIC {
            return Err(Error::NotARecording { path: path.to_owned() });
        }
        let found = head[MAGIC.len()];
        if found != VERSION {
            return Err(Error::Version { path: path.to_owned(), found });
        }
        Ok(Self { source, path: path.to_owned(), offset: head.len() as u64, ended: false })
    }

    /// How many bytes of the file are read.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.offset
    }

    fn frame(&mut self) -> Result<Option<Entry>, String> {
        let mut head = [0; FRAME_HEAD];
        match fill(&mut self.source, &mut head).map_err(|error| error.to_string())? {
            0 => return Ok(None),
            FRAME_HEAD => {}
            _ => return Err("the file ends within a frame".to_owned()),
        }
        let number = |at: usize| {
            u32::from_le_bytes(head[at..at + 4].try_into().expect("four bytes were taken"))
        };
        let (packed, plain) = (number(0) as usize, number(4) as usize);
        if packed > MAX_PAYLOAD || plain > MAX_PAYLOAD {
            return Err(format!(
                "a frame of {} bytes, more than the {MAX_PAYLOAD} that there may be",
                packed.max(plain)
            ));
        }
        // Grows as bytes come: a length alone costs nothing.
        let mut payload = Vec::new();
        let mut source = self.source.by_ref().take(packed as u64);
        source.read_to_end(&mut payload).map_err(|error| error.to_string())?;
        if payload.len() < packed {
            return Err("the file ends within a frame".to_owned());
        }
        if checksum(&head[..8], &payload) != number(8) {
            return Err("the checksum does not fit the frame".to_owned());
        }
        let entry = unpack(&payload, plain).and_then(|plain| decode::payload(&plain));
        let entry = entry.ok_or("the frame's content breaks the format")?;
        self.offset += (FRAME_HEAD + packed) as u64;
        Ok(Some(entry))
    }
}

impl Iterator for Reader {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match self.frame() {
            Ok(Some(entry)) => Some(Ok(entry)),
            Ok(None) => {
                self.ended = true;
                None
            }
            Err(reason) => {
                self.ended = true;
                let (path, offset) = (self.path.clone(), self.offset);
                Some(Err(Error::Damaged { path, offset, reason }))
            }
        }
    }
}

/// Exactly as many bytes as were announced.
fn unpack(packed: &[u8], length: usize) -> Option<Vec<u8>> {
    let plain = zstd::bulk::decompress(packed, length).ok()?;
    (plain.len() == length).then_some(plain)
}

/// Reads until the buffer is full or there is no more.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
