//! `XOR2` chunks: floats, with control bits shared by time and value, short
//! stale markers, and optional start timestamps (xor2.go).

use promql::series::STALE_NAN_BITS;

use super::bits::Bits;
use super::start_time::StartTimes;
use super::xor::Xor;
use crate::gather::columns::{Columns, Window};

const STALE: f64 = f64::from_bits(STALE_NAN_BITS);

/// Appends the samples of a chunk that lie in the window; nothing if the chunk
/// is corrupt.
pub(super) fn decode(data: &[u8], window: Window, columns: &mut Columns) -> Option<()> {
    let ([high, low, starts], data) = data.split_first_chunk()?;
    let samples = u16::from_be_bytes([*high, *low]);
    let starts = StartTimes::new(*starts);
    let mut bits = Bits::new(data);
    let mut state = State { time: 0, delta: 0, last: Xor::new(0.0) };
    for number in 0..samples {
        let value = match number {
            0 => state.first(&mut bits)?,
            1 => state.second(&mut bits)?,
            _ => state.next(&mut bits)?,
        };
        starts.skip(&mut bits, number)?;
        if state.time > window.end_ms {
            break;
        }
        if state.time >= window.start_ms {
            columns.push_float(state.time, value);
        }
    }
    Some(())
}

struct State {
    time: i64,
    delta: i64,
    /// The last value that was no stale marker.
    last: Xor,
}

impl State {
    fn first(&mut self, bits: &mut Bits<'_>) -> Option<f64> {
        self.time = bits.varint()?;
        let value = bits.float()?;
        if value.to_bits() != STALE_NAN_BITS {
            self.last = Xor::new(value);
        }
        Some(value)
    }

    fn second(&mut self, bits: &mut Bits<'_>) -> Option<f64> {
        let delta = bits.uvarint()? as i64;
        self.advance(delta);
        self.value(bits)
    }

    #[inline]
    fn next(&mut self, bits: &mut Bits<'_>) -> Option<f64> {
        let control = bits.ones(5)?;
        let change = match control {
            2 => bits.signed(13)?,
            3 => bits.signed(20)?,
            4 => bits.read(64)? as i64,
            _ => 0,
        };
        self.advance(change);
        match control {
            0 => Some(self.last.value()),
            1 => self.changed_value(bits),
            2..=4 => self.value(bits),
            _ => Some(STALE),
        }
    }

    #[inline]
    const fn advance(&mut self, change_of_delta: i64) {
        self.delta = self.delta.wrapping_add(change_of_delta);
        self.time = self.time.wrapping_add(self.delta);
    }

    /// `0` is the same, `10` a change in the last window, `110` in a new one,
    /// `111` the stale marker.
    #[inline]
    fn value(&mut self, bits: &mut Bits<'_>) -> Option<f64> {
        match bits.ones(3)? {
            0 => {}
            1 => self.last.in_window(bits)?,
            2 => self.last.in_new_window(bits)?,
            _ => return Some(STALE),
        }
        Some(self.last.value())
    }

    /// `0` is a change in the last window, `1` in a new one.
    #[inline]
    fn changed_value(&mut self, bits: &mut Bits<'_>) -> Option<f64> {
        if bits.bit()? {
            self.last.in_new_window(bits)?;
        } else {
            self.last.in_window(bits)?;
        }
        Some(self.last.value())
    }
}
