//! Quoted strings and names as Go, PromQL and Prometheus's exposition write
//! them.
//!
//! In: bytes or source text. Out: quoted text, unquoted bytes, escaped names.
//! What is a valid query is the parser's business, not decided here.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use regex_syntax::hir::ClassUnicode;

use crate::regex::{class_contains, table};

/// A string that need not be UTF-8: PromQL literals may hold any bytes
/// (`"\xff"`). `Display` prints it quoted, as Go's `strconv.Quote` does.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteString(Vec<u8>);

impl ByteString {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, if it is UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The text, invalid bytes replaced by U+FFFD: what Go's JSON encoder
    /// makes of it.
    #[must_use]
    pub fn to_str_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True for the empty string.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for ByteString {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<String> for ByteString {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl From<&String> for ByteString {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<Vec<u8>> for ByteString {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl PartialEq<str> for ByteString {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for ByteString {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl fmt::Display for ByteString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quote(&self.0))
    }
}

impl fmt::Debug for ByteString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a string literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid syntax")]
pub struct UnquoteError;

/// `bytes` in double quotes, as Go's `strconv.Quote`.
#[must_use]
pub fn quote(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    write_quoted(&mut out, bytes);
    out
}

/// Appends `bytes` in double quotes, as Go's `strconv.AppendQuote`: printable
/// characters as they are, others as `\n`, `\x00`, `\u200b`, `\U000e0001`;
/// bytes that are not UTF-8 as `\xff`.
pub fn write_quoted(out: &mut String, bytes: &[u8]) {
    out.push('"');
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|c| write_char(out, c));
        for byte in chunk.invalid() {
            write_hex(out, "\\x", u32::from(*byte), 2);
        }
    }
    out.push('"');
}

fn write_char(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        ' '..='~' => out.push(c),
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        '\0'..='\x7f' => write_hex(out, "\\x", c as u32, 2),
        _ if is_print(c) => out.push(c),
        '\u{80}'..='\u{ffff}' => write_hex(out, "\\u", c as u32, 4),
        _ => write_hex(out, "\\U", c as u32, 8),
    }
}

fn write_hex(out: &mut String, prefix: &str, value: u32, digits: u32) {
    out.push_str(prefix);
    for place in (0..digits).rev() {
        let digit = (value >> (4 * place)) & 0xf;
        out.push(char::from_digit(digit, 16).expect("four bits are a hexadecimal digit"));
    }
}

/// Go's `unicode.IsPrint` beyond ASCII: letters, marks, numbers, punctuation
/// and symbols; of spaces only U+0020.
fn is_print(c: char) -> bool {
    static PRINTABLE: LazyLock<ClassUnicode> =
        LazyLock::new(|| table(r"[\pL\pM\pN\pP\pS]").expect("a constant class"));
    class_contains(&PRINTABLE, c)
}

/// The string a PromQL literal in `"`, `'` or backquotes stands for
/// (prometheus/util/strutil/quote.go).
///
/// # Errors
/// When the quotes do not match or an escape is malformed.
pub fn unquote(literal: &str) -> Result<ByteString, UnquoteError> {
    let quote = literal.chars().next().ok_or(UnquoteError)?;
    let inner = literal[quote.len_utf8()..].strip_suffix(quote).ok_or(UnquoteError)?;
    match quote {
        '`' if inner.contains('`') => Err(UnquoteError),
        '`' => Ok(inner.into()),
        '"' | '\'' if inner.contains('\n') => Err(UnquoteError),
        '"' | '\'' => unescape(inner, quote as u8),
        _ => Err(UnquoteError),
    }
}

fn unescape(text: &str, quote: u8) -> Result<ByteString, UnquoteError> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'\\' => rest = unescape_one(rest, quote, &mut out)?,
            _ if byte == quote => return Err(UnquoteError),
            _ => out.push(byte),
        }
    }
    Ok(out.into())
}

/// Decodes the escape after a backslash and returns what follows it.
fn unescape_one<'a>(
    text: &'a [u8],
    quote: u8,
    out: &mut Vec<u8>,
) -> Result<&'a [u8], UnquoteError> {
    let (&kind, rest) = text.split_first().ok_or(UnquoteError)?;
    let simple = match kind {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'\\' => b'\\',
        b'\'' | b'"' if kind == quote => kind,
        b'x' => return digits(rest, 2, 16).map(|(value, rest)| push_byte(out, value, rest)),
        b'u' => return digits(rest, 4, 16).and_then(|(value, rest)| push_rune(out, value, rest)),
        b'U' => return digits(rest, 8, 16).and_then(|(value, rest)| push_rune(out, value, rest)),
        b'0'..=b'7' => {
            let (value, rest) = digits(text, 3, 8)?;
            let byte = u8::try_from(value).map_err(|_| UnquoteError)?;
            out.push(byte);
            return Ok(rest);
        }
        _ => return Err(UnquoteError),
    };
    out.push(simple);
    Ok(rest)
}

fn digits(text: &[u8], count: usize, radix: u32) -> Result<(u32, &[u8]), UnquoteError> {
    let (digits, rest) = text.split_at_checked(count).ok_or(UnquoteError)?;
    let value = digits.iter().try_fold(0u32, |value, digit| {
        let digit = char::from(*digit).to_digit(radix).ok_or(UnquoteError)?;
        // Eight hexadecimal digits fill 32 bits and no more.
        Ok(value.wrapping_mul(radix) | digit)
    })?;
    Ok((value, rest))
}

fn push_byte<'a>(out: &mut Vec<u8>, value: u32, rest: &'a [u8]) -> &'a [u8] {
    out.push(value.to_le_bytes()[0]);
    rest
}

fn push_rune<'a>(out: &mut Vec<u8>, value: u32, rest: &'a [u8]) -> Result<&'a [u8], UnquoteError> {
    if value > i32::MAX as u32 {
        // Prometheus counts in int32: such a value is negative, passes its
        // check for the largest code point, and leaves its lowest byte.
        return Ok(push_byte(out, value, rest));
    }
    if value > char::MAX as u32 {
        return Err(UnquoteError);
    }
    // A surrogate becomes U+FFFD.
    let c = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    Ok(rest)
}

/// True for `[a-zA-Z_][a-zA-Z0-9_]*`: a label name that needs no quotes.
#[must_use]
pub fn is_legacy_label_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().enumerate().all(|(i, b)| b != b':' && is_legacy_byte(b, i))
}

/// True for `[a-zA-Z_:][a-zA-Z0-9_:]*`: a metric name that needs no quotes.
#[must_use]
pub fn is_legacy_metric_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().enumerate().all(|(i, b)| is_legacy_byte(b, i))
}

fn is_legacy_byte(byte: u8, index: usize) -> bool {
    byte.is_ascii_alphabetic()
        || byte == b'_'
        || byte == b':'
        || (byte.is_ascii_digit() && index > 0)
}

/// Escapes a name as `U__…` if it needs quotes otherwise
/// (prometheus/common/model, `ValueEncodingEscaping`): `_` becomes `__`, other
/// characters their code point in hexadecimal between underscores.
#[must_use]
pub fn escape_name(name: &str) -> Cow<'_, str> {
    if name.is_empty() || is_legacy_metric_name(name) {
        return Cow::Borrowed(name);
    }
    let mut out = String::from("U__");
    for (index, c) in name.char_indices() {
        match c {
            '_' => out.push_str("__"),
            _ if c.is_ascii() && is_legacy_byte(c as u8, index) => out.push(c),
            _ => out.push_str(&format!("_{:x}_", c as u32)),
        }
    }
    Cow::Owned(out)
}

/// Undoes [`escape_name`]; a name that is not properly escaped stays as it is.
#[must_use]
pub fn unescape_name(name: &str) -> Cow<'_, str> {
    let unescaped = name.strip_prefix("U__").and_then(unescape_body);
    unescaped.map_or(Cow::Borrowed(name), Cow::Owned)
}

fn unescape_body(mut rest: &str) -> Option<String> {
    let mut out = String::with_capacity(rest.len());
    while let Some((plain, escaped)) = rest.split_once('_') {
        out.push_str(plain);
        let (code, after) = escaped.split_once('_')?;
        rest = after;
        if code.is_empty() {
            out.push('_');
            continue;
        }
        let hexadecimal = code.len() <= 6 && code.bytes().all(|b| b.is_ascii_hexdigit());
        let code = u32::from_str_radix(code, 16).ok().filter(|_| hexadecimal)?;
        out.push(char::from_u32(code)?);
    }
    out.push_str(rest);
    Some(out)
}
