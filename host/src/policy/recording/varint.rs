//! Numbers in few bytes.
//!
//! Unsigned numbers in groups of seven bits, lowest first (LEB128); signed
//! ones with the sign in the lowest bit; values as the difference of bits to
//! the one before, so that what does not change is a zero.

/// Appends an unsigned number.
pub(super) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a signed number.
pub(super) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put(out, ((number << 1) ^ (number >> 63)) as u64);
}

/// Appends the bits of a value; `last` are those of the one before.
pub(super) fn put_value(out: &mut Vec<u8>, last: &mut u64, value: f64) {
    let bits = value.to_bits();
    // Values have few digits: their low bits rarely differ.
    put(out, (bits ^ *last).swap_bytes());
    *last = bits;
}

/// The rest of a payload.
pub(super) struct Take<'a>(pub(super) &'a [u8]);

impl<'a> Take<'a> {
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (own, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(own)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// A number of things that follow, each of a byte or more.
    pub(super) fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.0.len()).then_some(count)
    }

    pub(super) fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    pub(super) fn value(&mut self, last: &mut u64) -> Option<f64> {
        *last ^= self.number()?.swap_bytes();
        Some(f64::from_bits(*last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_at_the_ends_come_back() {
        let mut out = Vec::new();
        for number in [0, 1, 127, 128, u64::MAX] {
            put(&mut out, number);
        }
        for number in [0, -1, 1, i64::MIN, i64::MAX] {
            put_signed(&mut out, number);
        }
        let mut take = Take(&out);
        assert_eq!([(); 5].map(|()| take.number()), [0, 1, 127, 128, u64::MAX].map(Some));
        assert_eq!([(); 5].map(|()| take.signed()), [0, -1, 1, i64::MIN, i64::MAX].map(Some));
        assert_eq!(take.number(), None);
    }

    #[test]
    fn a_number_of_more_than_64_bits_is_none() {
        assert_eq!(Take(&[0xff; 20]).number(), None);
        assert_eq!(Take(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]).number(), None);
    }

    #[test]
    fn a_count_of_more_than_there_is_is_none() {
        assert_eq!(Take(&[2, 0, 0]).count(), Some(2));
        assert_eq!(Take(&[3, 0, 0]).count(), None);
    }
}
