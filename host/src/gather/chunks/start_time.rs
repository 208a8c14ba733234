//! Start timestamps in chunks (st.go): skipped, but they must be found.

use super::bits::Bits;

/// Where a chunk has start timestamps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StartTimes {
    /// Whether the first sample has one.
    first: bool,
    /// The sample from which on each has one; 0 if none has.
    changes_from: u16,
}

impl StartTimes {
    /// From the header byte: one bit for the first sample, seven for the others.
    pub(super) const fn new(header: u8) -> Self {
        Self { first: header & 0x80 != 0, changes_from: (header & 0x7f) as u16 }
    }

    /// Skips what follows sample `number`, counted from 0.
    #[inline]
    pub(super) fn skip(self, bits: &mut Bits<'_>, number: u16) -> Option<()> {
        if number == 0 {
            if self.first {
                bits.varint()?;
            }
        } else if self.changes_from > 0 && number >= self.changes_from {
            bits.varbit_int()?;
        }
        Some(())
    }
}
