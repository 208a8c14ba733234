//! Reading bits, first bit of a byte first, and the numbers made of them
//! (bstream.go and varbit.go in prometheus/tsdb/chunkenc).
//!
//! Nothing means the bits ended, or made no sense.

/// The bits that are left.
#[derive(Clone, Debug)]
pub(super) struct Bits<'a> {
    /// Bytes of which no bit is counted in `valid` yet.
    rest: &'a [u8],
    /// The next bits, from the highest down. Below the valid ones there are
    /// zeros or the true bits that follow, so filling up again may set them twice.
    buffer: u64,
    /// How many bits of the buffer count; below 64.
    valid: u32,
}

impl<'a> Bits<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, buffer: 0, valid: 0 }
    }

    /// The bits from a position on.
    pub(super) fn at(bytes: &'a [u8], position: usize) -> Self {
        let mut bits = Self::new(bytes.get(position / 8..).unwrap_or(&[]));
        bits.fill();
        let skipped = ((position % 8) as u32).min(bits.valid);
        bits.consume(skipped);
        bits
    }

    /// Number of bits left.
    pub(super) const fn remaining(&self) -> usize {
        self.rest.len() * 8 + self.valid as usize
    }

    /// Makes at least 56 bits valid, as far as there are any.
    #[inline]
    fn fill(&mut self) {
        if let Some(word) = self.rest.first_chunk() {
            self.buffer |= u64::from_be_bytes(*word) >> self.valid;
            let bytes = (63 - self.valid) / 8;
            self.rest = &self.rest[bytes as usize..];
            self.valid += bytes * 8;
        } else {
            self.fill_from_the_end();
        }
    }

    #[cold]
    fn fill_from_the_end(&mut self) {
        while self.valid < 56
            && let Some((byte, rest)) = self.rest.split_first()
        {
            self.buffer |= u64::from(*byte) << (56 - self.valid);
            self.valid += 8;
            self.rest = rest;
        }
    }

    #[inline]
    const fn consume(&mut self, count: u32) {
        self.buffer <<= count;
        self.valid -= count;
    }

    /// The next `count` bits, 1 to 56 of them, as a number.
    #[inline]
    fn short(&mut self, count: u32) -> Option<u64> {
        if self.valid < count {
            self.fill();
            if self.valid < count {
                return None;
            }
        }
        let number = self.buffer >> (64 - count);
        self.consume(count);
        Some(number)
    }

    /// The next `count` bits, 1 to 64 of them, as a number.
    #[inline]
    pub(super) fn read(&mut self, count: u32) -> Option<u64> {
        if count <= 56 {
            return self.short(count);
        }
        let high = self.short(count - 32)?;
        Some(high << 32 | self.short(32)?)
    }

    #[inline]
    pub(super) fn bit(&mut self) -> Option<bool> {
        Some(self.short(1)? == 1)
    }

    /// Counts ones up to the zero that ends them, or up to `limit`, which
    /// needs no zero; at most 8.
    #[inline]
    pub(super) fn ones(&mut self, limit: u32) -> Option<u32> {
        if self.valid < limit {
            self.fill();
        }
        let ones = self.buffer.leading_ones().min(limit);
        let taken = (ones + 1).min(limit);
        if taken > self.valid {
            return None;
        }
        self.consume(taken);
        Some(ones)
    }

    /// A float as its 64 bits.
    pub(super) fn float(&mut self) -> Option<f64> {
        self.read(64).map(f64::from_bits)
    }

    /// Go's `binary.ReadUvarint`, at any bit.
    pub(super) fn uvarint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.short(8)?;
            let low = byte & 0x7f;
            if shift == 63 && byte > 1 {
                return None;
            }
            number |= low << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// Go's `binary.ReadVarint`: zigzag.
    pub(super) fn varint(&mut self) -> Option<i64> {
        let number = self.uvarint()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// `readVarbitUint`
    #[inline]
    pub(super) fn varbit_uint(&mut self) -> Option<u64> {
        match VARBIT_WIDTHS[self.ones(8)? as usize] {
            0 => Some(0),
            width => self.read(width),
        }
    }

    /// `readVarbitInt`
    #[inline]
    pub(super) fn varbit_int(&mut self) -> Option<i64> {
        match VARBIT_WIDTHS[self.ones(8)? as usize] {
            0 => Some(0),
            64 => self.read(64).map(|bits| bits as i64),
            width => self.skewed(width),
        }
    }

    /// A signed number of 2 to 63 bits, whose range is -2^(n-1)+1 to 2^(n-1).
    #[inline]
    pub(super) fn skewed(&mut self, width: u32) -> Option<i64> {
        let bits = self.read(width)? as i64;
        Some(if bits > 1 << (width - 1) { bits - (1 << width) } else { bits })
    }

    /// A signed number of 2 to 63 bits in two's complement.
    #[inline]
    pub(super) fn signed(&mut self, width: u32) -> Option<i64> {
        let bits = self.read(width)? as i64;
        Some(bits << (64 - width) >> (64 - width))
    }
}

/// Bits that follow so many ones.
const VARBIT_WIDTHS: [u32; 9] = [0, 3, 6, 9, 12, 18, 25, 56, 64];
