//! A small YAML writer: block style, two spaces, texts quoted where a reader
//! could take them for something else.

use std::fmt::Write as _;

/// What can be written.
pub(super) enum Value {
    /// A scalar, ready to be written.
    Scalar(String),
    List(Vec<Value>),
    Map(Map),
}

/// Keys and values in the order they were added.
#[derive(Default)]
pub(super) struct Map(Vec<(String, Value)>);

impl Map {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.push((key.to_owned(), value.into()));
        self
    }

    pub(super) fn with_some(self, key: &str, value: Option<Value>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl FromIterator<(String, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl Value {
    /// Something that YAML readers take as it stands: a number, a duration.
    pub(super) fn raw(text: impl Into<String>) -> Self {
        Self::Scalar(text.into())
    }

    pub(super) fn count(value: usize) -> Self {
        Self::raw(value.to_string())
    }

    pub(super) fn bool(value: bool) -> Self {
        Self::raw(value.to_string())
    }

    pub(super) fn text(text: &str) -> Self {
        Self::Scalar(quote(text))
    }
}

/// Writes a document.
pub(super) fn write(root: &Map) -> String {
    let mut out = String::new();
    write_map(&mut out, root, 0);
    out
}

fn write_map(out: &mut String, map: &Map, indent: usize) {
    for (index, (key, value)) in map.0.iter().enumerate() {
        // The first key of a list item stands behind its dash.
        if index > 0 || out.is_empty() || out.ends_with('\n') {
            pad(out, indent);
        }
        out.push_str(&quote(key));
        out.push(':');
        write_value(out, value, indent + 2);
    }
}

fn write_value(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Scalar(text) => writeln!(out, " {text}").expect("a string takes everything"),
        Value::Map(map) if map.0.is_empty() => out.push_str(" {}\n"),
        Value::List(items) if items.is_empty() => out.push_str(" []\n"),
        Value::Map(map) => {
            out.push('\n');
            write_map(out, map, indent);
        }
        Value::List(items) => {
            out.push('\n');
            items.iter().for_each(|item| write_item(out, item, indent));
        }
    }
}

fn write_item(out: &mut String, item: &Value, indent: usize) {
    pad(out, indent);
    out.push('-');
    match item {
        Value::Map(map) if !map.0.is_empty() => {
            out.push(' ');
            write_map(out, map, indent + 2);
        }
        other => write_value(out, other, indent + 2),
    }
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// A text that every reader takes for this text: plain if it begins with a
/// letter or `/`, has no indicator in it and is no word of YAML, else quoted
/// as in JSON, of which YAML is a superset.
fn quote(text: &str) -> String {
    const WORDS: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"];
    let starts_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let is_word = WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    let is_address = text.split_once(':').is_some_and(|(host, port)| {
        host.chars().all(plain) && !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit())
    });
    if starts_plain && !is_word && (text.chars().all(plain) || is_address) {
        return text.to_owned();
    }
    json_string(text)
}

fn json_string(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            // JSON leaves some of these alone; YAML does not allow them bare.
            c if c.is_control()
                || ('\u{80}'..'\u{a0}').contains(&c)
                || "\u{2028}\u{2029}\u{feff}\u{fffe}\u{ffff}".contains(c) =>
            {
                write!(quoted, "\\U{:08x}", u32::from(c)).expect("a string takes everything");
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_misreads_is_plain() {
        for (text, written) in [
            ("", r#""""#),
            ("localhost:9090", "localhost:9090"),
            ("/api/v1/read", "/api/v1/read"),
            ("10.0.0.1:80", r#""10.0.0.1:80""#),
            ("1", r#""1""#),
            ("No", r#""No""#),
            ("a: b", r#""a: b""#),
            ("say \"hi\"\n", r#""say \"hi\"\n""#),
            ("Köln", "\"Köln\""),
        ] {
            assert_eq!(quote(text), written);
        }
    }
}
