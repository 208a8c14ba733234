//! The scanner for answers as Prometheus writes them: keys in its order, no
//! white space.
//!
//! Nothing means that something unusual was found. The general decoder then
//! decides what it is, so nothing is ever refused here; and what is accepted
//! here, the general decoder accepts with the same result (a property test).

use std::borrow::Cow;

use serde::Deserialize;

use super::general::{self, Shapes};
use super::grid::Grid;
use super::series::Assembler;
use super::{QueryData, value};
use crate::gather::reply::{Error, Meter, Reply, labels_of};

/// Decodes an answer, if it has the usual shape.
///
/// # Errors
/// Only when over the budget.
pub(super) fn decode(body: &[u8], meter: &Meter<'_>) -> Result<Option<Reply<QueryData>>, Error> {
    if u32::try_from(body.len()).is_err() {
        return Ok(None);
    }
    let mut scanner = Scanner { body, position: 0, pairs: Vec::new(), grid: Grid::default() };
    let reply = scanner.answer(meter);
    match meter.exceeded() {
        Some(exceeded) => Err(exceeded.into()),
        None => Ok(reply),
    }
}

/// Which kind of series an answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Matrix,
    Vector,
}

impl Kind {
    const fn allows(self, shapes: Shapes) -> bool {
        match self {
            Self::Matrix => !shapes.single,
            Self::Vector => !shapes.range,
        }
    }
}

struct Scanner<'a> {
    body: &'a [u8],
    position: usize,
    /// Labels of the current series.
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    grid: Grid,
}

impl<'a> Scanner<'a> {
    fn answer(&mut self, meter: &Meter<'_>) -> Option<Reply<QueryData>> {
        self.expect(br#"{"status":"success","data":{"resultType":""#)?;
        let kind = if self.accept(br#"matrix","result":["#) {
            Kind::Matrix
        } else {
            self.expect(br#"vector","result":["#)?;
            Kind::Vector
        };
        let mut assembler = Assembler::new(meter);
        if !self.accept(b"]") {
            loop {
                self.series(kind, &mut assembler)?;
                if !self.accept(b",") {
                    break;
                }
            }
            self.expect(b"]")?;
        }
        self.expect(b"}")?;
        let Tail { warnings, infos } = self.tail()?;
        let batch = assembler.finish();
        let data = match kind {
            Kind::Matrix => QueryData::Matrix(batch),
            Kind::Vector => QueryData::Vector(batch),
        };
        Some(Reply { data: Some(data), error: None, warnings, infos })
    }

    /// What follows the data: nothing, or warnings and infos.
    fn tail(&mut self) -> Option<Tail> {
        let rest = self.body.get(self.position..)?;
        match rest {
            b"}" | b"}\n" => Some(Tail::default()),
            [b',', fields @ ..] if fields.starts_with(b"\"") => {
                serde_json::from_slice(&[b"{", fields].concat()).ok()
            }
            _ => None,
        }
    }

    fn series(&mut self, kind: Kind, assembler: &mut Assembler<'_>) -> Option<()> {
        let start = self.position;
        let known = match kind {
            Kind::Matrix => self.matrix_series(assembler),
            Kind::Vector => self.vector_series(assembler),
        };
        if known.is_none() {
            // One unusual series, such as one with histograms, is no reason to
            // read all of them slowly.
            assembler.discard();
            self.position = start;
            let (length, shapes) = general::one_series(&self.body[start..], assembler)?;
            self.position += length;
            return kind.allows(shapes).then_some(());
        }
        let labels = labels_of(&mut self.pairs);
        assembler.finish_series(labels).ok()
    }

    fn matrix_series(&mut self, assembler: &mut Assembler<'_>) -> Option<()> {
        self.metric()?;
        self.expect(br#","values":["#)?;
        self.grid.rewind();
        loop {
            let time = self.grid_time()?;
            let value = self.value()?;
            assembler.columns.push_float(time, value);
            if !self.accept(b",") {
                break;
            }
        }
        self.expect(b"]}")
    }

    fn vector_series(&mut self, assembler: &mut Assembler<'_>) -> Option<()> {
        self.metric()?;
        self.expect(br#","value":"#)?;
        self.grid.rewind();
        let time = self.grid_time()?;
        let value = self.value()?;
        assembler.columns.push_float(time, value);
        self.expect(b"}")
    }

    /// `{"metric":{"name":"value",…}`
    fn metric(&mut self) -> Option<()> {
        self.pairs.clear();
        self.expect(br#"{"metric":{"#)?;
        if self.accept(b"}") {
            return Some(());
        }
        loop {
            let name = self.string()?;
            self.expect(b":")?;
            let value = self.string()?;
            self.pairs.push((name, value));
            if !self.accept(b",") {
                return self.expect(b"}");
            }
        }
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        self.expect(b"\"")?;
        let rest = self.body.get(self.position..)?;
        let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
        let length = rest.iter().position(special)?;
        match rest[length] {
            b'"' => {
                self.position += length + 1;
                std::str::from_utf8(&rest[..length]).ok().map(Cow::Borrowed)
            }
            b'\\' => self.escaped_string(),
            _ => None,
        }
    }

    /// A string whose opening quote is behind us and which has escapes.
    fn escaped_string(&mut self) -> Option<Cow<'a, str>> {
        let start = self.position - 1;
        let mut values = serde_json::Deserializer::from_slice(&self.body[start..]).into_iter();
        let text: String = values.next()?.ok()?;
        self.position = start + values.byte_offset();
        Some(Cow::Owned(text))
    }

    /// `[time,"`, usually one that an earlier series had, too.
    #[inline]
    fn grid_time(&mut self) -> Option<i64> {
        if let Some((time, length)) = self.grid.find(self.body.get(self.position..)?) {
            self.position += length;
            return Some(time);
        }
        let start = self.position;
        let time = match self.usual_time() {
            Some(time) => time,
            None => {
                self.expect(b"[")?;
                let time = self.time()?;
                self.expect(b",\"")?;
                time
            }
        };
        self.grid.learn(time, &self.body[start..self.position]);
        Some(time)
    }

    /// `[1760000000.781,"`: a time of our days, all its digits at once.
    #[inline]
    fn usual_time(&mut self) -> Option<i64> {
        let text: &[u8; 17] = self.body.get(self.position..)?.first_chunk()?;
        let [b'[', b'1'..=b'9', .., b',', b'"'] = text else { return None };
        if text[11] != b'.' {
            return None;
        }
        let mut digits = [b'0'; 16];
        digits[3..13].copy_from_slice(&text[1..11]);
        digits[13..].copy_from_slice(&text[12..15]);
        let millis = value::digits(u128::from_le_bytes(digits))?;
        self.position += text.len();
        i64::try_from(millis).ok()
    }

    /// Seconds with at most three decimals, and few enough digits that the
    /// general decoder's way over a float gives the same milliseconds.
    fn time(&mut self) -> Option<i64> {
        let is_negative = self.accept(b"-");
        let start = self.position;
        let seconds = self.digits()?;
        let length = self.position - start;
        if length > 12 || (length > 1 && self.body[start] == b'0') {
            return None;
        }
        let mut millis = seconds * 1000;
        if self.accept(b".") {
            let start = self.position;
            let decimals = self.digits()?;
            millis += match self.position - start {
                1 => decimals * 100,
                2 => decimals * 10,
                3 => decimals,
                _ => return None,
            };
        }
        Some(if is_negative { -millis } else { millis })
    }

    /// One to 16 digits.
    fn digits(&mut self) -> Option<i64> {
        let rest = &self.body[self.position..];
        let length = rest.iter().take(17).take_while(|byte| byte.is_ascii_digit()).count();
        if length == 0 || length > 16 {
            return None;
        }
        self.position += length;
        Some(rest[..length].iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    /// `…"]`, the opening quote behind us.
    #[inline]
    fn value(&mut self) -> Option<f64> {
        let (value, length) = value::scan(self.body.get(self.position..)?)?;
        self.position += length;
        self.expect(b"\"]")?;
        Some(value)
    }

    #[inline]
    fn accept(&mut self, text: &[u8]) -> bool {
        let found = self.body.get(self.position..).is_some_and(|rest| rest.starts_with(text));
        if found {
            self.position += text.len();
        }
        found
    }

    #[inline]
    fn expect(&mut self, text: &[u8]) -> Option<()> {
        self.accept(text).then_some(())
    }
}

/// The fields that may follow the data.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tail {
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    infos: Vec<String>,
}
