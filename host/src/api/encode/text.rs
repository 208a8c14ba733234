//! JSON strings with the two sets of escapes that Prometheus mixes.
//!
//! Labels go through a path that escapes only what JSON demands; everything
//! else through Go's `encoding/json`, which also escapes what HTML or
//! JavaScript would stumble over.

use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};

const DEMANDED: [bool; 256] = table(b"\"\\");
/// 0xe2 begins U+2028 and U+2029, among others.
const FOR_HTML: [bool; 256] = table(b"\"\\<>&\xe2");

const fn table(special: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = true;
        byte += 1;
    }
    let mut index = 0;
    while index < special.len() {
        table[special[index] as usize] = true;
        index += 1;
    }
    table
}

/// Writes a JSON string with the escapes JSON demands: metric labels.
pub fn write_raw(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    write_fragment(text, &DEMANDED, out);
    out.push(b'"');
}

/// Writes a JSON string with Go's escapes for HTML: everything but labels.
pub fn write_escaped(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    write_fragment(text, &FOR_HTML, out);
    out.push(b'"');
}

/// Serialises with Go's escapes for HTML.
///
/// # Panics
/// When a map has keys that are no strings.
pub fn to_json(value: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, GoStrings);
    value.serialize(&mut serializer).expect("answers have string keys and memory takes any write");
    out
}

fn write_fragment(text: &str, special: &[bool; 256], out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    let mut index = 0;
    while index < bytes.len() {
        if !special[bytes[index] as usize] {
            index += 1;
            continue;
        }
        let Some((length, escape)) = escape(&bytes[index..]) else {
            index += 1;
            continue;
        };
        out.extend_from_slice(&bytes[copied..index]);
        match escape {
            Escape::Short(byte) => out.extend_from_slice(&[b'\\', byte]),
            Escape::Code(code) => {
                out.extend_from_slice(b"\\u");
                out.extend([12, 8, 4, 0].map(|shift| hex_digit(code >> shift)));
            }
        }
        index += length;
        copied = index;
    }
    out.extend_from_slice(&bytes[copied..]);
}

enum Escape {
    Short(u8),
    Code(u16),
}

/// The escape of the character at the start and its length, if it needs one.
fn escape(bytes: &[u8]) -> Option<(usize, Escape)> {
    Some(match bytes {
        [b'\n', ..] => (1, Escape::Short(b'n')),
        [b'\r', ..] => (1, Escape::Short(b'r')),
        [b'\t', ..] => (1, Escape::Short(b't')),
        [byte @ (b'"' | b'\\'), ..] => (1, Escape::Short(*byte)),
        [0xe2, 0x80, last @ (0xa8 | 0xa9), ..] => {
            (3, Escape::Code(0x2028 + u16::from(*last - 0xa8)))
        }
        [0xe2, ..] | [] => return None,
        [byte, ..] => (1, Escape::Code(u16::from(*byte))),
    })
}

fn hex_digit(value: u16) -> u8 {
    b"0123456789abcdef"[usize::from(value & 0xf)]
}

/// serde_json with Go's escapes: serde_json escapes what JSON demands itself
/// and hands the rest to `write_string_fragment`.
struct GoStrings;

impl Formatter for GoStrings {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut escaped = Vec::with_capacity(fragment.len());
        write_fragment(fragment, &FOR_HTML, &mut escaped);
        writer.write_all(&escaped)
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        escape: serde_json::ser::CharEscape,
    ) -> io::Result<()> {
        use serde_json::ser::CharEscape::{AsciiControl, Backspace, FormFeed};
        // Go has no short escapes for these two.
        let escape = match escape {
            Backspace => AsciiControl(8),
            FormFeed => AsciiControl(12),
            other => other,
        };
        CompactFormatter.write_char_escape(writer, escape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a\"b\\c\n\r\t\u{8}\u{c}\u{1}<d>&\u{2028}\u{2029}\u{2027}é\u{7f}";

    #[test]
    fn labels_escape_only_what_json_demands() {
        let mut out = Vec::new();
        write_raw(TEXT, &mut out);
        let expected =
            "\"a\\\"b\\\\c\\n\\r\\t\\u0008\\u000c\\u0001<d>&\u{2028}\u{2029}\u{2027}é\u{7f}\"";
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn other_texts_escape_html_and_line_separators_in_both_writers() {
        let expected = "\"a\\\"b\\\\c\\n\\r\\t\\u0008\\u000c\\u0001\\u003cd\\u003e\\u0026\\u2028\\u2029\u{2027}é\u{7f}\"";
        let mut out = Vec::new();
        write_escaped(TEXT, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), expected);
        assert_eq!(String::from_utf8_lossy(&to_json(&TEXT)), expected);
    }
}
