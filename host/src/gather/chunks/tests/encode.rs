//! Encoders of chunks, for tests and benches only: the appenders of
//! prometheus/tsdb/chunkenc, without their care for chunks that cannot be
//! continued.

use promql::Histogram;
use promql::histogram::CUSTOM_BUCKETS_SCHEMA;
use promql::series::{STALE_NAN_BITS, is_stale};

/// Bits, first bit of a byte first.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
    free: u32,
}

impl Writer {
    pub(crate) fn bits(&mut self, value: u64, count: u32) {
        for place in (0..count).rev() {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            self.free -= 1;
            let last = self.bytes.last_mut().expect("pushed above");
            *last |= ((value >> place & 1) as u8) << self.free;
        }
    }

    fn uvarint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bits(value & 0x7f | 0x80, 8);
            value >>= 7;
        }
        self.bits(value, 8);
    }

    fn varint(&mut self, value: i64) {
        self.uvarint((value << 1 ^ value >> 63) as u64);
    }

    /// `count` ones, and a zero unless there are `limit` of them.
    fn ones(&mut self, count: u32, limit: u32) {
        self.bits((1 << count) - 1, count);
        if count < limit {
            self.bits(0, 1);
        }
    }

    pub(crate) fn varbit_int(&mut self, value: i64) {
        let class = WIDTHS.iter().position(|width| fits(value, *width)).expect("64 bits fit");
        self.ones(class as u32, 8);
        self.bits(value as u64, WIDTHS[class]);
    }

    pub(crate) fn varbit_uint(&mut self, value: u64) {
        let fits = |width: &u32| *width == 64 || value >> width == 0;
        let class = WIDTHS.iter().position(fits).expect("64 bits fit");
        self.ones(class as u32, 8);
        self.bits(value, WIDTHS[class]);
    }

    pub(crate) fn float(&mut self, value: f64) {
        self.bits(value.to_bits(), 64);
    }
}

const WIDTHS: [u32; 9] = [0, 3, 6, 9, 12, 18, 25, 56, 64];

/// `bitRange`: -2^(n-1)+1 to 2^(n-1).
fn fits(value: i64, width: u32) -> bool {
    match width {
        0 => value == 0,
        64 => true,
        width => -((1 << (width - 1)) - 1) <= value && value <= 1 << (width - 1),
    }
}

/// What the XOR encodings remember.
#[derive(Clone)]
struct Xor {
    bits: u64,
    window: Option<(u32, u32)>,
}

impl Xor {
    fn new(value: f64) -> Self {
        Self { bits: value.to_bits(), window: None }
    }

    fn write(&mut self, to: &mut Writer, value: f64) {
        let delta = self.advance(value);
        if delta == 0 {
            return to.bits(0, 1);
        }
        to.bits(1, 1);
        self.write_window(to, delta);
    }

    fn advance(&mut self, value: f64) -> u64 {
        let delta = self.bits ^ value.to_bits();
        self.bits = value.to_bits();
        delta
    }

    /// `0` and the bits in the last window, or `1`, a window, and the bits.
    fn write_window(&mut self, to: &mut Writer, delta: u64) {
        let (leading, trailing) = (delta.leading_zeros().min(31), delta.trailing_zeros());
        if let Some((own_leading, own_trailing)) = self.window
            && leading >= own_leading
            && trailing >= own_trailing
        {
            to.bits(0, 1);
            return to.bits(delta >> own_trailing, 64 - own_leading - own_trailing);
        }
        self.window = Some((leading, trailing));
        let width = 64 - leading - trailing;
        to.bits(1, 1);
        to.bits(u64::from(leading), 5);
        to.bits(u64::from(width & 63), 6);
        to.bits(delta >> trailing, width);
    }
}

/// An `XOR` chunk.
pub(crate) fn xor(samples: &[(i64, f64)]) -> Vec<u8> {
    let mut to = Writer { bytes: (samples.len() as u16).to_be_bytes().to_vec(), free: 0 };
    let (mut last, mut delta) = (0_i64, 0_i64);
    let mut xor = Xor::new(0.0);
    for (number, (time, value)) in samples.iter().enumerate() {
        let new_delta = time.wrapping_sub(last);
        match number {
            0 => {
                to.varint(*time);
                to.float(*value);
                xor = Xor::new(*value);
            }
            1 => to.uvarint(new_delta as u64),
            _ => {
                let change = new_delta.wrapping_sub(delta);
                let widths = [0, 14, 17, 20, 64];
                let class = widths.iter().position(|width| fits(change, *width)).expect("64");
                to.ones(class as u32, 4);
                to.bits(change as u64, widths[class]);
            }
        }
        if number > 0 {
            xor.write(&mut to, *value);
            delta = new_delta;
        }
        last = *time;
    }
    to.bytes
}

/// Start timestamps as `stEncoder` and `xor2Appender` write them.
struct Starts {
    changes_from: u64,
    last: i64,
    last_diff: i64,
}

impl Starts {
    const fn new() -> Self {
        Self { changes_from: 0, last: 0, last_diff: 0 }
    }

    /// Follows sample `number`; `before` is the time of the sample before it.
    fn write(&mut self, to: &mut Writer, number: u64, start: i64, (before, time): (i64, i64)) {
        let diff = before.wrapping_sub(start);
        if number == 0 {
            if start != 0 {
                to.varint(time.wrapping_sub(start));
                to.bytes[2] = 0x80;
            }
        } else if self.changes_from > 0 {
            to.varbit_int(diff.wrapping_sub(self.last_diff));
            self.last_diff = diff;
        } else if start != self.last || number == 0x7f {
            self.changes_from = number;
            to.bytes[2] |= number as u8;
            to.varbit_int(diff);
            self.last_diff = diff;
        }
        self.last = start;
    }
}

/// An `XOR2` chunk; start timestamps of zero are none.
pub(crate) fn xor2(samples: &[(i64, f64)], starts: &[i64]) -> Vec<u8> {
    let [high, low] = (samples.len() as u16).to_be_bytes();
    let mut to = Writer { bytes: vec![high, low, 0], free: 0 };
    let (mut last, mut delta) = (0_i64, 0_i64);
    let mut xor = Xor::new(0.0);
    let mut writer = Starts::new();
    for (number, (time, value)) in samples.iter().enumerate() {
        let new_delta = time.wrapping_sub(last);
        let change = new_delta.wrapping_sub(delta);
        let change = match number {
            0 => {
                to.varint(*time);
                to.float(*value);
                if !is_stale(*value) {
                    xor = Xor::new(*value);
                }
                None
            }
            1 => {
                to.uvarint(new_delta as u64);
                Some(1)
            }
            _ => {
                write_change(&mut to, change, *value, &xor);
                Some(change)
            }
        };
        match change {
            None => {}
            Some(0) if value.to_bits() == xor.bits || is_stale(*value) => {}
            Some(0) => {
                let delta = xor.advance(*value);
                xor.write_window(&mut to, delta);
            }
            Some(_) if is_stale(*value) => to.bits(0b111, 3),
            Some(_) if value.to_bits() == xor.bits => to.bits(0, 1),
            Some(_) => {
                to.bits(1, 1);
                let delta = xor.advance(*value);
                write_xor2_window(&mut xor, &mut to, delta);
            }
        }
        let start = starts.get(number).copied().unwrap_or(0);
        writer.write(&mut to, number as u64, start, (last, *time));
        if number > 0 {
            delta = new_delta;
        }
        last = *time;
    }
    to.bytes
}

/// The control bits of time and value together.
fn write_change(to: &mut Writer, change: i64, value: f64, last: &Xor) {
    let signed = |width: u32| change >= -(1 << (width - 1)) && change < 1 << (width - 1);
    match change {
        0 if value.to_bits() == STALE_NAN_BITS => to.bits(0b11111, 5),
        0 if value.to_bits() == last.bits => to.bits(0, 1),
        0 => to.bits(0b10, 2),
        _ if signed(13) => to.bits(0b110 << 13 | change as u64 & 0x1fff, 16),
        _ if signed(20) => to.bits(0b1110 << 20 | change as u64 & 0xf_ffff, 24),
        _ => {
            to.bits(0b11110, 5);
            to.bits(change as u64, 64);
        }
    }
}

/// After the first one: `0` and bits, or `10` and a window.
fn write_xor2_window(xor: &mut Xor, to: &mut Writer, delta: u64) {
    let mut apart = Writer::default();
    xor.write_window(&mut apart, delta);
    let all = apart.bytes.len() as u32 * 8 - apart.free;
    let bit = |place: u32| u64::from(apart.bytes[place as usize / 8] >> (7 - place % 8) & 1);
    to.bits(bit(0), 1);
    if bit(0) == 1 {
        to.bits(0, 1);
    }
    (1..all).for_each(|place| to.bits(bit(place), 1));
}

/// Which histogram chunk to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Integers,
    Floats,
}

/// A `HISTOGRAM` or `FLOAT_HISTOGRAM` chunk, or its `_ST` variant if start
/// timestamps are given. All histograms have the layout of the first, except
/// stale markers, which may only come last.
pub(crate) fn histograms(
    kind: Kind,
    samples: &[(i64, Histogram)],
    counter_reset: u8,
    starts: Option<&[i64]>,
) -> Vec<u8> {
    let [high, low] = (samples.len() as u16).to_be_bytes();
    let header = match starts {
        None => vec![high, low, counter_reset << 6],
        Some(_) => vec![high | counter_reset << 6, low, 0],
    };
    let mut to = Writer { bytes: header, free: 0 };
    let mut writer = Starts::new();
    let mut state = State::default();
    let mut last = 0;
    for (number, (time, histogram)) in samples.iter().enumerate() {
        if number == 0 {
            layout(&mut to, histogram);
        }
        let delta = if number == 0 { 0 } else { time.wrapping_sub(last) };
        to.varbit_int(if number == 0 { *time } else { delta.wrapping_sub(state.delta) });
        state.delta = delta;
        state.write(&mut to, kind, histogram, number == 0);
        if let Some(starts) = starts {
            let start = starts.get(number).copied().unwrap_or(0);
            writer.write(&mut to, number as u64, start, (last, *time));
        }
        last = *time;
    }
    to.bytes
}

fn layout(to: &mut Writer, histogram: &Histogram) {
    let threshold = histogram.zero_threshold.to_bits();
    match threshold {
        0 => to.bits(0, 8),
        _ if threshold << 12 == 0 && (1023 - 243..=1023 + 10).contains(&(threshold >> 52)) => {
            to.bits((threshold >> 52) + 244 - 1023, 8);
        }
        _ => {
            to.bits(255, 8);
            to.bits(threshold, 64);
        }
    }
    to.varbit_int(i64::from(histogram.schema));
    for spans in [&histogram.positive_spans, &histogram.negative_spans] {
        to.varbit_uint(spans.len() as u64);
        for span in spans {
            to.varbit_uint(u64::from(span.length));
            to.varbit_int(i64::from(span.offset));
        }
    }
    if histogram.schema == CUSTOM_BUCKETS_SCHEMA {
        to.varbit_uint(histogram.custom_values.len() as u64);
        histogram.custom_values.iter().for_each(|bound| custom_bound(to, *bound));
    }
}

fn custom_bound(to: &mut Writer, bound: f64) {
    let thousandths = (bound * 1000.0).round();
    if (0.0..=33_554_430.0).contains(&(bound * 1000.0)) && thousandths / 1000.0 == bound {
        to.varbit_uint(thousandths as u64 + 1);
    } else {
        to.bits(0, 1);
        to.float(bound);
    }
}

/// What a histogram chunk remembers.
#[derive(Default)]
struct State {
    delta: i64,
    /// Value and delta of count, zero count and buckets.
    integers: Vec<(i64, i64)>,
    /// Count, zero count and buckets.
    floats: Vec<Xor>,
    sum: Option<Xor>,
}

impl State {
    fn write(&mut self, to: &mut Writer, kind: Kind, histogram: &Histogram, is_first: bool) {
        let totals = [histogram.count, histogram.zero_count];
        match kind {
            Kind::Integers => {
                for (index, total) in totals.into_iter().enumerate() {
                    self.integer(to, index, total as i64, is_first, true);
                }
            }
            Kind::Floats => {
                for (index, total) in totals.into_iter().enumerate() {
                    self.float(to, index, total, is_first);
                }
            }
        }
        match &mut self.sum {
            None => {
                to.float(histogram.sum);
                self.sum = Some(Xor::new(histogram.sum));
            }
            Some(sum) => sum.write(to, histogram.sum),
        }
        let sides = [&histogram.positive_buckets, &histogram.negative_buckets];
        let mut index = 2;
        for side in sides {
            let mut last = 0;
            for count in side {
                let count_int = *count as i64;
                match kind {
                    Kind::Integers => self.integer(to, index, count_int - last, is_first, false),
                    Kind::Floats => self.float(to, index, *count, is_first),
                }
                last = count_int;
                index += 1;
            }
        }
    }

    fn integer(&mut self, to: &mut Writer, index: usize, value: i64, is_first: bool, total: bool) {
        if is_first {
            self.integers.push((value, 0));
            return if total { to.varbit_uint(value as u64) } else { to.varbit_int(value) };
        }
        let (last, last_delta) = self.integers[index];
        let delta = value.wrapping_sub(last);
        to.varbit_int(delta.wrapping_sub(last_delta));
        self.integers[index] = (value, delta);
    }

    fn float(&mut self, to: &mut Writer, index: usize, value: f64, is_first: bool) {
        if is_first {
            self.floats.push(Xor::new(value));
            return to.float(value);
        }
        self.floats[index].write(to, value);
    }
}
