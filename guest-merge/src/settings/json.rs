//! Reads one flat JSON object: keys with texts, numbers, booleans or null.
//!
//! A hand-written reader, because the settings are that simple and a general
//! parser would be most of the component's code. Nested values are refused.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// A value that is not nested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    /// As it was written.
    Number(String),
    Bool(bool),
    Null,
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Number(text) => f.write_str(text),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Null => f.write_str("null"),
        }
    }
}

/// The members of the object, in order, each key once; none for a blank text.
///
/// # Errors
/// A sentence that says where the text stops being such an object.
pub(super) fn object(text: &str) -> Result<Vec<(String, Value)>, String> {
    let mut reader = Reader { text, at: 0 };
    let mut members: Vec<(String, Value)> = Vec::new();
    reader.skip_blank();
    if reader.rest().is_empty() {
        return Ok(members);
    }
    reader.expect('{')?;
    if !reader.eat('}') {
        loop {
            let (key, value) = reader.member()?;
            if members.iter().any(|(known, _)| *known == key) {
                return Err(format!("setting `{key}` is given twice"));
            }
            members.push((key, value));
            if !reader.eat(',') {
                break;
            }
        }
        reader.expect('}')?;
    }
    if reader.rest().is_empty() { Ok(members) } else { Err(reader.unexpected("nothing more")) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip_blank(&mut self) {
        let blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r');
        self.at = self.text.len() - self.rest().trim_start_matches(blank).len();
    }

    fn unexpected(&self, wanted: &str) -> String {
        let found = match self.rest().chars().next() {
            Some(found) => format!("{found:?}"),
            None => "the end".to_owned(),
        };
        format!(
            "the settings are not a JSON object: byte {}: {wanted} expected, not {found}",
            self.at
        )
    }

    /// Takes `wanted` and the blanks behind it, if it is next.
    fn eat(&mut self, wanted: char) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len_utf8();
            self.skip_blank();
        }
        found
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        if self.eat(wanted) { Ok(()) } else { Err(self.unexpected(&format!("{wanted:?}"))) }
    }

    fn member(&mut self) -> Result<(String, Value), String> {
        let key = self.string()?;
        self.expect(':')?;
        let value = self.value(&key)?;
        Ok((key, value))
    }

    fn value(&mut self, key: &str) -> Result<Value, String> {
        let value = match self.rest().chars().next() {
            Some('"') => return self.string().map(Value::Text),
            Some('{' | '[') => {
                return Err(format!("setting `{key}` must not be an object or a list"));
            }
            _ => {
                let end = self.rest().find([',', '}', ' ', '\t', '\n', '\r']);
                let word = &self.rest()[..end.unwrap_or(self.rest().len())];
                let value = match word {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    "null" => Value::Null,
                    _ if is_number(word) => Value::Number(word.to_owned()),
                    _ => return Err(self.unexpected("a value")),
                };
                self.at += word.len();
                value
            }
        };
        self.skip_blank();
        Ok(value)
    }

    fn string(&mut self) -> Result<String, String> {
        if !self.rest().starts_with('"') {
            return Err(self.unexpected("'\"'"));
        }
        self.at += 1;
        let mut out = String::new();
        loop {
            let Some(next) = self.rest().chars().next() else {
                return Err(self.unexpected("'\"'"));
            };
            self.at += next.len_utf8();
            match next {
                '"' => break,
                '\\' => out.push(self.escaped()?),
                other => out.push(other),
            }
        }
        self.skip_blank();
        Ok(out)
    }

    fn escaped(&mut self) -> Result<char, String> {
        let Some(next) = self.rest().chars().next() else {
            return Err(self.unexpected("an escape"));
        };
        let plain = match next {
            '"' | '\\' | '/' => next,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                // No setting needs a character outside the first plane, so
                // surrogate pairs are refused with the rest.
                let digits = self.rest().get(1..5);
                let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                let Some(code) = code.and_then(char::from_u32) else {
                    return Err(self.unexpected("an escape"));
                };
                self.at += 5;
                return Ok(code);
            }
            _ => return Err(self.unexpected("an escape")),
        };
        self.at += next.len_utf8();
        Ok(plain)
    }
}

/// True for what looks like a number; which numbers are allowed is for the
/// setting to say.
fn is_number(word: &str) -> bool {
    let digits = word.strip_prefix('-').unwrap_or(word);
    let belongs = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    digits.starts_with(|first: char| first.is_ascii_digit()) && digits.bytes().all(belongs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn reads_flat_objects() {
        let members = object(" { \"a\" : \"x\\n\\u0041\" ,\"b\":-1.5e3,\"c\":true,\"d\":null}\n");
        assert_eq!(
            members.unwrap(),
            [
                ("a".to_string(), Value::Text("x\nA".to_string())),
                ("b".to_string(), Value::Number("-1.5e3".to_string())),
                ("c".to_string(), Value::Bool(true)),
                ("d".to_string(), Value::Null),
            ]
        );
        assert_eq!(object("{}").unwrap(), []);
    }

    #[test]
    fn says_where_a_text_is_no_object() {
        for (text, error) in [
            ("x", "byte 0: '{' expected, not 'x'"),
            ("{\"a\":1", "byte 6: '}' expected, not the end"),
            ("{\"a\" 1}", "byte 5: ':' expected, not '1'"),
            ("{\"a\":x}", "byte 5: a value expected, not 'x'"),
            ("{\"a\":1}}", "byte 7: nothing more expected, not '}'"),
            ("{\"a\":\"\\q\"}", "byte 7: an escape expected, not 'q'"),
        ] {
            let expected = format!("the settings are not a JSON object: {error}");
            assert_eq!(object(text).unwrap_err(), expected);
        }
        assert_eq!(object("{\"a\":1,\"a\":1}").unwrap_err(), "setting `a` is given twice");
        assert_eq!(
            object("{\"a\":[]}").unwrap_err(),
            "setting `a` must not be an object or a list"
        );
    }

    proptest! {
        #[test]
        fn never_panics_and_agrees_with_a_general_parser_on_what_is_an_object(
            text in "[{}\",:a0-9.e\\\\ntruefalse \\-+u\\[\\]]{0,24}"
        ) {
            let general = serde_json::from_str::<serde_json::Map<_, _>>(&text);
            if let Ok(general) = general
                && !general.values().any(|value| value.is_object() || value.is_array())
                && let Ok(members) = object(&text)
            {
                prop_assert_eq!(members.len(), general.len());
            }
        }
    }
}
