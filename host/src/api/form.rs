//! Parameters of a request: the URL's query string and a form body.
//!
//! In come the raw bytes of both, out go names and values by the rules of Go's
//! `net/url` and `net/http`, which Prometheus's clients rely on: a body's
//! value wins over the URL's, `+` is a space, a pair that cannot be decoded is
//! left out. Nothing here knows what a parameter means.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use promql::quote::quote;

/// Decoded parameters, the body's before the URL's.
///
/// Text that is not UTF-8 keeps its place with U+FFFD, which the PromQL lexer
/// refuses by name and label names may not consist of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    pairs: Vec<(String, String)>,
    problem: Option<Error>,
}

/// Why a pair was left out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// `%` without two hexadecimal digits; the text as Go quotes it.
    #[error("invalid URL escape {0}")]
    Escape(String),
    /// `;` between pairs, which Go gave up for security.
    #[error("invalid semicolon separator in query")]
    Semicolon,
}

impl Form {
    /// Decodes both parts. A pair that cannot be decoded is left out; the
    /// first reason of either part, the body's before the URL's, is kept.
    #[must_use]
    pub fn parse(query: &[u8], body: &[u8]) -> Self {
        let mut form = Self::default();
        for part in [body, query] {
            for pair in part.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
                match decode_pair(pair) {
                    Ok(pair) => form.pairs.push(pair),
                    Err(error) => form.problem = form.problem.or(Some(error)),
                }
            }
        }
        form
    }

    /// The first value of `name`, or the empty string: to Prometheus both are
    /// the same.
    #[must_use]
    pub fn first(&self, name: &str) -> &str {
        let found = self.pairs.iter().find(|(own, _)| own == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// All values of `name`, the body's before the URL's.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The names in their order, repeats included.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|(name, _)| name.as_str())
    }

    /// Why a pair was left out, if one was.
    #[must_use]
    pub const fn problem(&self) -> Option<&Error> {
        self.problem.as_ref()
    }

    /// The parameters as one line, sorted by name, encoded again and cut to
    /// `limit` bytes: what the access log shows.
    #[must_use]
    pub fn encoded(&self, limit: usize) -> String {
        let mut pairs: Vec<&(String, String)> = self.pairs.iter().collect();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        let mut line = String::new();
        for (name, value) in pairs {
            if line.len() >= limit {
                break;
            }
            if !line.is_empty() {
                line.push('&');
            }
            encode_into(name, limit, &mut line);
            line.push('=');
            encode_into(value, limit, &mut line);
        }
        line.truncate(limit);
        line
    }
}

/// Go's `url.QueryEscape` keeps only letters, digits and `-_.~`; spaces are
/// made `+` afterwards.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b' ');

/// Appends `text` encoded, and stops soon after `limit` bytes: a form may
/// hold megabytes that nobody will see.
fn encode_into(text: &str, limit: usize, line: &mut String) {
    for part in utf8_percent_encode(text, ESCAPED) {
        if line.len() >= limit {
            return;
        }
        let room = (limit - line.len()).min(part.len());
        line.extend(part[..room].chars().map(|c| if c == ' ' { '+' } else { c }));
    }
}

fn decode_pair(pair: &[u8]) -> Result<(String, String), Error> {
    if pair.contains(&b';') {
        return Err(Error::Semicolon);
    }
    let split = pair.iter().position(|byte| *byte == b'=');
    let (name, value) = match split {
        Some(at) => (&pair[..at], &pair[at + 1..]),
        None => (pair, &[][..]),
    };
    Ok((lossy(decode(name, b' ')?), lossy(decode(value, b' ')?)))
}

/// Decodes a path segment: as a parameter, but `+` is itself.
///
/// # Errors
/// On `%` without two hexadecimal digits.
pub(crate) fn decode_segment(segment: &[u8]) -> Result<Vec<u8>, Error> {
    decode(segment, b'+')
}

fn decode(text: &[u8], plus: u8) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => bytes.push(plus),
            b'%' => {
                let digits = after.first_chunk::<2>().and_then(|pair| hex_pair(*pair));
                bytes.push(digits.ok_or_else(|| bad_escape(after))?);
                rest = &after[2..];
            }
            other => bytes.push(*other),
        }
    }
    Ok(bytes)
}

/// Copies only what is not UTF-8.
fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn hex_pair([high, low]: [u8; 2]) -> Option<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

fn bad_escape(after: &[u8]) -> Error {
    let shown = &after[..after.len().min(2)];
    Error::Escape(quote(&[b"%", shown].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_wins_over_the_url_and_repeats_keep_their_order() {
        let form = Form::parse(b"time=7&match[]=c", b"time=5&match%5B%5D=a&match[]=b");
        assert_eq!(form.first("time"), "5");
        assert_eq!(form.all("match[]").collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(form.first("absent"), "");
    }

    #[test]
    fn plus_and_percent_are_decoded_and_an_equals_sign_in_a_value_stays() {
        let form = Form::parse(b"query=a+%2B+b%7Bx%3d%22=%22%7D&flag", b"");
        assert_eq!(form.first("query"), r#"a + b{x="="}"#);
        assert_eq!(form.all("flag").collect::<Vec<_>>(), [""]);
    }

    #[test]
    fn a_pair_that_cannot_be_decoded_is_left_out_and_the_first_reason_kept() {
        let form = Form::parse(b"a=%zz&b=2&c=1;d=2&e=%4", b"");
        assert_eq!(form.first("a"), "");
        assert_eq!(form.first("b"), "2");
        assert_eq!(
            form.problem().map(ToString::to_string).as_deref(),
            Some("invalid URL escape \"%zz\"")
        );
    }

    #[test]
    fn bytes_that_are_not_utf8_keep_their_place() {
        assert_eq!(Form::parse(b"query=a%ffb", b"").first("query"), "a\u{fffd}b");
    }

    #[test]
    fn the_log_line_is_sorted_escaped_and_cut() {
        let form = Form::parse(b"step=5&query=up{a%3D%22b+c%22}&end=1.5", b"");
        let line = "end=1.5&query=up%7Ba%3D%22b+c%22%7D&step=5";
        assert_eq!(form.encoded(256), line);
        assert_eq!(form.encoded(20), &line[..20]);
        let large = Form::parse(format!("q={}", "ä".repeat(1_000_000)).as_bytes(), b"");
        assert_eq!(large.encoded(256).len(), 256);
    }
}
