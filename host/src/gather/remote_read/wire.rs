//! Fields of a protobuf message, borrowed from its bytes.

use promql::Labels;

use super::Error;

/// A field's number and value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Field<'a> {
    /// An integer, an enum or a boolean.
    Varint(u32, u64),
    /// A text, bytes, or a message.
    Bytes(u32, &'a [u8]),
    /// A double, as bits.
    Fixed64(u32, u64),
    /// A value of four bytes, which none of our messages has.
    Fixed32,
}

/// The fields of a message in order; after an error there are no more.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

pub(super) const fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field().ok_or(Error::Malformed("a field that is cut or unknown"));
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<Field<'a>> {
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).ok().filter(|number| *number > 0)?;
        match key & 7 {
            0 => Some(Field::Varint(number, self.varint()?)),
            1 => {
                let (value, rest) = self.rest.split_first_chunk()?;
                self.rest = rest;
                Some(Field::Fixed64(number, u64::from_le_bytes(*value)))
            }
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                let (value, rest) = self.rest.split_at_checked(length)?;
                self.rest = rest;
                Some(Field::Bytes(number, value))
            }
            5 => {
                self.rest = self.rest.get(4..)?;
                Some(Field::Fixed32)
            }
            // Groups are long out of use.
            _ => None,
        }
    }

    fn varint(&mut self) -> Option<u64> {
        match varint(self.rest) {
            Varint::Complete(value, length) => {
                self.rest = &self.rest[length..];
                Some(value)
            }
            Varint::Incomplete | Varint::TooLong => None,
        }
    }
}

/// A number at the start of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Varint {
    /// The number, and how many bytes it takes.
    Complete(u64, usize),
    /// More bytes are needed.
    Incomplete,
    /// More than 64 bits.
    TooLong,
}

pub(super) fn varint(bytes: &[u8]) -> Varint {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        if index == 9 && *byte > 1 {
            return Varint::TooLong;
        }
        value |= u64::from(byte & 0x7f) << (7 * index);
        if *byte < 0x80 {
            return Varint::Complete(value, index + 1);
        }
    }
    Varint::Incomplete
}

/// Labels of a series, collected from `Label` messages.
#[derive(Debug, Default)]
pub(super) struct LabelPairs<'a>(Vec<(&'a str, &'a str)>);

impl<'a> LabelPairs<'a> {
    pub(super) fn push(&mut self, message: &'a [u8]) -> Result<(), Error> {
        let (mut name, mut value) = ("", "");
        for field in fields(message) {
            match field? {
                Field::Bytes(1, bytes) => name = text(bytes)?,
                Field::Bytes(2, bytes) => value = text(bytes)?,
                _ => {}
            }
        }
        if name.is_empty() {
            return Err(Error::Labels("a label without a name"));
        }
        self.0.push((name, value));
        Ok(())
    }

    /// The label set, whatever order the labels had.
    pub(super) fn labels(mut self) -> Result<Labels, Error> {
        if self.0.is_empty() {
            return Ok(Labels::empty());
        }
        if let Some(labels) = Labels::from_sorted(&self.0) {
            return Ok(labels);
        }
        self.0.sort_unstable();
        Labels::from_sorted(&self.0).ok_or(Error::Labels("a label that occurs twice"))
    }
}

fn text(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|_| Error::Labels("text that is not utf-8"))
}
