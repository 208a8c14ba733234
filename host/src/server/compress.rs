//! Compression of responses: which one a client gets, and doing it chunk by
//! chunk.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use hyper::header::{ACCEPT_ENCODING, HeaderMap};

/// How a body is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coding {
    /// Not at all.
    #[default]
    Identity,
    /// `gzip`
    Gzip,
    /// `deflate`: zlib's format, as HTTP defines it.
    Deflate,
    /// `zstd`
    Zstd,
}

impl Coding {
    /// The first coding in the client's list that is known and not refused
    /// with `q=0`. The order counts and weights do not, as in Prometheus
    /// (prometheus/util/httputil/compression.go), which every client in the
    /// field has been tried with.
    #[must_use]
    pub fn negotiate(headers: &HeaderMap) -> Self {
        let lists = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        lists.flat_map(|list| list.split(',')).find_map(Self::accepted).unwrap_or_default()
    }

    fn accepted(clause: &str) -> Option<Self> {
        let (name, parameters) = clause.split_once(';').unwrap_or((clause, ""));
        let coding = match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Self::Gzip,
            "deflate" => Self::Deflate,
            "zstd" => Self::Zstd,
            _ => return None,
        };
        let refused = parameters.split(';').any(|parameter| {
            let weight = parameter
                .trim()
                .split_once('=')
                .filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
            weight.is_some_and(|(_, weight)| {
                weight.trim().parse::<f64>().is_ok_and(|weight| weight <= 0.0)
            })
        });
        (!refused).then_some(coding)
    }

    /// Its name in `Content-Encoding`, but for none.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Deflate => Some("deflate"),
            Self::Zstd => Some("zstd"),
        }
    }
}

/// Compresses a body piece by piece, at the fastest level: level 1 costs a
/// quarter of gzip's default and a few percent more bytes on JSON numbers.
pub struct Compressor(Inner);

enum Inner {
    Identity(Vec<u8>),
    Gzip(GzEncoder<Vec<u8>>),
    Deflate(ZlibEncoder<Vec<u8>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Compressor {
    /// A compressor at the start of a body.
    ///
    /// # Errors
    /// When zstd gets no memory.
    pub fn new(coding: Coding) -> io::Result<Self> {
        Ok(Self(match coding {
            Coding::Identity => Inner::Identity(Vec::new()),
            Coding::Gzip => Inner::Gzip(GzEncoder::new(Vec::new(), Compression::fast())),
            Coding::Deflate => Inner::Deflate(ZlibEncoder::new(Vec::new(), Compression::fast())),
            Coding::Zstd => Inner::Zstd(zstd::stream::write::Encoder::new(Vec::new(), 1)?),
        }))
    }

    /// Takes a piece and gives what came of it so far, often nothing: a
    /// compressor holds bytes back until it has seen enough.
    ///
    /// # Errors
    /// When the compressor fails.
    pub fn push(&mut self, piece: Vec<u8>) -> io::Result<Bytes> {
        let ready = match &mut self.0 {
            Inner::Identity(out) => {
                *out = piece;
                out
            }
            Inner::Gzip(encoder) => {
                encoder.write_all(&piece)?;
                encoder.get_mut()
            }
            Inner::Deflate(encoder) => {
                encoder.write_all(&piece)?;
                encoder.get_mut()
            }
            Inner::Zstd(encoder) => {
                encoder.write_all(&piece)?;
                encoder.get_mut()
            }
        };
        Ok(std::mem::take(ready).into())
    }

    /// Ends the body and gives the rest of it.
    ///
    /// # Errors
    /// When the compressor fails.
    pub fn finish(self) -> io::Result<Bytes> {
        Ok(match self.0 {
            Inner::Identity(out) => out,
            Inner::Gzip(encoder) => encoder.finish()?,
            Inner::Deflate(encoder) => encoder.finish()?,
            Inner::Zstd(encoder) => encoder.finish()?,
        }
        .into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use hyper::header::HeaderValue;

    use super::*;

    fn negotiated(lists: &[&str]) -> Coding {
        let mut headers = HeaderMap::new();
        for list in lists {
            headers.append(ACCEPT_ENCODING, HeaderValue::from_str(list).expect("a header"));
        }
        Coding::negotiate(&headers)
    }

    #[test]
    fn the_first_known_coding_wins_unless_it_is_refused() {
        assert_eq!(negotiated(&[]), Coding::Identity);
        assert_eq!(negotiated(&["br, *"]), Coding::Identity);
        assert_eq!(negotiated(&["br, deflate, gzip;q=1.0"]), Coding::Deflate);
        assert_eq!(negotiated(&["gzip;q=0, zstd"]), Coding::Zstd);
        assert_eq!(negotiated(&["GZIP ; Q=0.000"]), Coding::Identity);
        assert_eq!(negotiated(&["identity", "gzip;q=0.5"]), Coding::Gzip);
    }

    fn decompressed(coding: Coding, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        match coding {
            Coding::Identity => out.extend_from_slice(body),
            Coding::Gzip => {
                flate2::read::GzDecoder::new(body).read_to_end(&mut out).expect("gzip");
            }
            Coding::Deflate => {
                flate2::read::ZlibDecoder::new(body).read_to_end(&mut out).expect("zlib");
            }
            Coding::Zstd => out = zstd::stream::decode_all(body).expect("zstd"),
        }
        out
    }

    #[test]
    fn what_is_compressed_in_pieces_comes_back_whole() {
        let text: Vec<u8> =
            (0..200_000_u32).flat_map(|i| (i / 3).to_string().into_bytes()).collect();
        for coding in [Coding::Identity, Coding::Gzip, Coding::Deflate, Coding::Zstd] {
            let mut compressor = Compressor::new(coding).expect("a compressor");
            let mut body = Vec::new();
            for piece in text.chunks(70_000) {
                body.extend_from_slice(&compressor.push(piece.to_vec()).expect("pushed"));
            }
            body.extend_from_slice(&compressor.finish().expect("finished"));
            assert!(decompressed(coding, &body) == text, "{coding:?}");
            assert!(coding == Coding::Identity || body.len() < text.len() / 2, "{coding:?}");
        }
    }
}
