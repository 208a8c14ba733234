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
        let (leading, width) = value_window(bits.read(11)? as u32);
        self.trailing = 64_u32.checked_sub(leading + width)?;
        self.width = width;
        self.in_window(bits)
    }
}

/// The zeros before a window of significant bits, five bits, and its width,
/// six.
#[inline]
const fn value_window(bits: u32) -> (u32, u32) {
    (bits >> 6, (bits.wrapping_sub(1) & 63) + 1)
}

/// Samples that are read at once; a chunk usually has 120.
const BLOCK: usize = 128;

/// Appends the samples of a chunk that lie in the window; nothing if the chunk
/// is corrupt.
pub(super) fn decode(data: &[u8], window: Window, columns: &mut Columns) -> Option<()> {
    let (header, data) = data.split_first_chunk()?;
    let samples = usize::from(u16::from_be_bytes(*header));
    let (mut times, mut values) = ([0; BLOCK], [0.0; BLOCK]);
    let mut reader = Reader::new(data);
    let mut done = 0;
    while done < samples {
        let wanted = BLOCK.min(samples - done);
        let mut read = 0;
        if done >= 2 {
            read = reader.read_usual(&mut times[..wanted], &mut values[..wanted]);
        }
        if read == 0 {
            reader.read(done)?;
            (times[0], values[0]) = (reader.time, reader.value.value());
            read = 1;
        }
        append(&times[..read], &values[..read], window, columns);
        if reader.time > window.end_ms {
            break;
        }
        done += read;
    }
    Some(())
}

/// Appends the samples up to the end of the window.
fn append(times: &[i64], values: &[f64], window: Window, columns: &mut Columns) {
    if times.iter().all(|time| window.contains(*time)) {
        columns.extend_floats(times, values);
        return;
    }
    let samples = times.iter().zip(values).take_while(|(time, _)| **time <= window.end_ms);
    for (time, value) in samples.filter(|(time, _)| **time >= window.start_ms) {
        columns.push_float(*time, *value);
    }
}

/// Where a chunk is read, and the last sample, by which the next is told.
struct Reader<'a> {
    data: &'a [u8],
    /// In bits.
    position: usize,
    time: i64,
    delta: i64,
    value: Xor,
}

impl<'a> Reader<'a> {
    fn new(data: &'a [u8]) -> Self {
        Self { data, position: 0, time: 0, delta: 0, value: Xor::new(0.0) }
    }

    /// Reads sample `number`, whatever it is like.
    fn read(&mut self, number: usize) -> Option<()> {
        let mut bits = Bits::at(self.data, self.position);
        match number {
            0 => {
                self.time = bits.varint()?;
                self.value = Xor::new(bits.float()?);
            }
            1 => {
                self.delta = bits.uvarint()? as i64;
                self.time = self.time.wrapping_add(self.delta);
                self.value.next(&mut bits)?;
            }
            _ => {
                self.delta = self.delta.wrapping_add(change_of_delta(&mut bits)?);
                self.time = self.time.wrapping_add(self.delta);
                self.value.next(&mut bits)?;
            }
        }
        self.position = self.data.len() * 8 - bits.remaining();
        Some(())
    }

    /// Reads samples behind the second for as long as they are usual and not
    /// near the end of the chunk; returns how many. Almost all samples are
    /// read here: one word holds time and value of most, and the three kinds
    /// of values share their instructions, because nobody can foresee which
    /// comes next.
    fn read_usual(&mut self, times: &mut [i64], values: &mut [f64]) -> usize {
        let Self { data, mut position, mut time, mut delta, value } = *self;
        let Xor { mut bits, mut trailing, mut width } = value;
        let mut read = 0;
        for (own_time, own_value) in times.iter_mut().zip(values) {
            let Some(word) = word(data, position) else { break };
            let (change, taken) = match word.leading_ones() {
                0 => (0, 1),
                1 => {
                    let change = (word << 2 >> 50) as i64;
                    (if change > 1 << 13 { change - (1 << 14) } else { change }, 16)
                }
                _ => break,
            };
            let head = word << taken;
            let changed = (head >> 63) as u32;
            let renewed = (head >> 62) as u32 & changed;
            let (new_leading, new_width) = value_window((head >> 51) as u32 & 0x7ff);
            if renewed == 1 && new_leading + new_width > 64 {
                break;
            }
            let new_trailing = 64_u32.wrapping_sub(new_leading + new_width);
            let now = if renewed == 1 { (new_width, new_trailing) } else { (width, trailing) };
            let taken = taken + 1 + changed + 11 * renewed;
            let wanted = if changed == 1 { now.0 } else { 0 };
            let rest = if wanted + taken <= VALID {
                word << taken
            } else if wanted <= VALID
                && let Some(word) = self::word(data, position + taken as usize)
            {
                word
            } else {
                break;
            };
            (width, trailing) = now;
            // In two steps, as none may be wanted.
            bits ^= rest >> 1 >> (63 - wanted) << trailing;
            position += (taken + wanted) as usize;
            delta = delta.wrapping_add(change);
            time = time.wrapping_add(delta);
            (*own_time, *own_value) = (time, f64::from_bits(bits));
            read += 1;
        }
        *self = Self { data, position, time, delta, value: Xor { bits, trailing, width } };
        read
    }
}

/// Bits of a word that are sure to be there.
const VALID: u32 = 57;

/// The next [`VALID`] bits or more, from the highest down; nothing near the
/// end.
#[inline]
fn word(data: &[u8], position: usize) -> Option<u64> {
    let bytes = data.get(position / 8..)?.first_chunk()?;
    Some(u64::from_be_bytes(*bytes) << (position % 8))
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
