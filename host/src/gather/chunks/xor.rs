//! `XOR` chunks: floats in Gorilla's encoding (xor.go).

use super::bits::Bits;
use crate::gather::columns::{Columns, Window};

/// A float that is stored as what changed since the one before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Xor {
    bits: u64,
    /// Where the last window of significant bits lay.
    trailing: u32,
    width: u32,
}

impl Xor {
    /// The first value.
    pub(super) const fn new(value: f64) -> Self {
        Self { bits: value.to_bits(), trailing: 0, width: 64 }
    }

    pub(super) const fn value(&self) -> f64 {
        f64::from_bits(self.bits)
    }

    /// Reads the next value: `0` is the same, `10` a change in the last
    /// window, `11` in a new one.
    #[inline]
    pub(super) fn next(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        match bits.ones(2)? {
            0 => Some(()),
            1 => self.in_window(bits),
            _ => self.in_new_window(bits),
        }
    }

    /// Reads a change in the last window.
    #[inline]
    pub(super) fn in_window(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        self.bits ^= bits.read(self.width)? << self.trailing;
        Some(())
    }

    /// Reads a window and a change in it.
    #[inline]
    pub(super) fn in_new_window(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        let window = bits.read(11)? as u32;
        let leading = window >> 6;
        let width = match window & 63 {
            0 => 64,
            width => width,
        };
        self.trailing = 64_u32.checked_sub(leading + width)?;
        self.width = width;
        self.in_window(bits)
    }
}

/// Appends the samples of a chunk that lie in the window; nothing if the chunk
/// is corrupt.
pub(super) fn decode(data: &[u8], window: Window, columns: &mut Columns) -> Option<()> {
    let (header, data) = data.split_first_chunk()?;
    let samples = u16::from_be_bytes(*header);
    let mut bits = Bits::new(data);
    let (mut time, mut delta) = (0_i64, 0_i64);
    let mut value = Xor::new(0.0);
    for number in 0..samples {
        match number {
            0 => {
                time = bits.varint()?;
                value = Xor::new(bits.float()?);
            }
            1 => {
                delta = bits.uvarint()? as i64;
                time = time.wrapping_add(delta);
                value.next(&mut bits)?;
            }
            _ => {
                delta = delta.wrapping_add(change_of_delta(&mut bits)?);
                time = time.wrapping_add(delta);
                value.next(&mut bits)?;
            }
        }
        if time > window.end_ms {
            break;
        }
        if time >= window.start_ms {
            columns.push_float(time, value.value());
        }
    }
    Some(())
}

#[inline]
fn change_of_delta(bits: &mut Bits<'_>) -> Option<i64> {
    match bits.ones(4)? {
        0 => Some(0),
        1 => bits.skewed(14),
        2 => bits.skewed(17),
        3 => bits.skewed(20),
        _ => bits.read(64).map(|bits| bits as i64),
    }
}
