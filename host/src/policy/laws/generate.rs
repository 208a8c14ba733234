//! Batches that the contract allows: what scrapes of several replicas look
//! like when something is wrong with them, and a few that no scrape gives.
//!
//! The same seed gives the same batches.

use guest_merge::Span;

use super::case::{Case, Sample, Series};
use super::random::Random;
use crate::policy::Kind;

/// Most samples of one replica of one series.
const MAX_TICKS: usize = 400;
/// Distances of scrapes, in milliseconds.
const INTERVALS: [i64; 6] = [1000, 5000, 15_000, 15_000, 30_000, 60_000];
/// Values that are easily broken on the way: NaN with payloads, infinities,
/// the negative zero, the least and the greatest.
const ODD: [u64; 10] = [
    0x7ff8_0000_0000_0001,
    0x7ff8_0000_dead_beef,
    0xfff8_0000_0000_0000,
    0x7ff0_0000_0000_0001,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    0x8000_0000_0000_0000,
    0x0000_0000_0000_0001,
    0x7fef_ffff_ffff_ffff,
    0xffef_ffff_ffff_ffff,
];

/// A source of batches.
pub(super) struct Generator {
    random: Random,
    span: Option<Span>,
}

/// When the scrapes of a case are.
#[derive(Clone, Copy)]
struct Clock {
    start: i64,
    /// What values are counted from.
    epoch: i64,
    interval: i64,
    ticks: usize,
}

/// What the values of a series are like.
#[derive(Clone, Copy)]
enum Values {
    Constant,
    /// Grows, and starts anew now and then.
    Counter,
    Gauge,
    Odd,
}

/// How punctual a replica is.
#[derive(Clone, Copy)]
enum Scrapes {
    OnTime,
    /// Always this much later.
    Later(i64),
    /// Each by up to so much earlier or later.
    Jittered(i64),
}

impl Generator {
    /// A policy that looks `span` around a moment gets batches longer than
    /// that.
    pub(super) const fn new(seed: u64, span: Option<Span>) -> Self {
        Self { random: Random::new(seed), span }
    }

    /// The next batch.
    pub(super) fn case(&mut self) -> Case {
        let replicas = self.random.pick(&[1, 2, 2, 2, 2, 3, 3, 4]);
        let count = self.random.pick(&[1, 1, 1, 2, 3, 5]);
        let clock = self.clock(replicas);
        let series = (0..count).map(|_| self.series(replicas, clock)).collect();
        Case { replicas, series }
    }

    /// A series of two replicas on one grid: the first has a hole that the
    /// second has not. With it come the first and the last sample missed.
    pub(super) fn hole(&mut self) -> (Case, i64, i64) {
        let (interval, start) = (self.random.pick(&INTERVALS), self.start());
        let clock = Clock { start, epoch: start, interval, ticks: 40 };
        let (first, last) = (10, 10 + self.random.between(4, 15));
        let whole = self.timeline(clock, Scrapes::OnTime, Values::Counter);
        let time = |tick| clock.start + tick * interval;
        let missed = time(first)..=time(last);
        let holed = whole.iter().filter(|sample| !missed.contains(&sample.time)).copied();
        let replicas = vec![holed.collect(), whole];
        let case = Case::of(Series { kind: Kind::Unknown, replicas });
        (case, *missed.start(), *missed.end())
    }

    /// A number for choices that are made about a batch.
    pub(super) const fn below(&mut self, end: usize) -> usize {
        self.random.below(end)
    }

    fn start(&mut self) -> i64 {
        let now = 1_700_000_000_000 + self.random.between(0, 10_000_000_000);
        self.random.pick(&[0, now, now, now, -86_400_000])
    }

    fn clock(&mut self, replicas: usize) -> Clock {
        let start = self.start();
        let interval = self.random.pick(&INTERVALS);
        let others = i64::try_from(replicas - 1).unwrap_or(i64::MAX);
        let reach = self.span.map_or(0, |span| {
            let both = span.before_ms.saturating_add(span.after_ms);
            i64::try_from(both).unwrap_or(i64::MAX).saturating_mul(others)
        });
        // Not beyond times that a server can have.
        if reach == 0 || reach > 1 << 42 || self.random.once_in(3) {
            let most = self.random.pick(&[3, 8, 20, 40, 40, 100]);
            return Clock { start, epoch: start, interval, ticks: self.random.below(most + 1) };
        }
        let interval = if self.random.once_in(2) {
            interval.max(reach / 150)
        } else {
            (reach / self.random.pick(&[5, 20, 50])).max(1)
        };
        let ticks = usize::try_from(2 * reach / interval).unwrap_or(MAX_TICKS);
        Clock {
            start,
            epoch: start,
            interval,
            ticks: (ticks + self.random.below(20)).min(MAX_TICKS),
        }
    }

    fn series(&mut self, replicas: usize, clock: Clock) -> Series {
        let values =
            self.random.pick(&[Values::Constant, Values::Counter, Values::Gauge, Values::Odd]);
        let kind = self.random.pick(&[Kind::Unknown, Kind::Counter, Kind::Gauge, Kind::Histogram]);
        let replicas = match self.random.below(16) {
            0 | 1 => vec![self.replica(clock, values); replicas],
            2 => {
                let lone = self.random.below(replicas);
                let mut all = vec![Vec::new(); replicas];
                all[lone] = self.replica(clock, values);
                all
            }
            3 => (0..replicas).map(|_| self.anything()).collect(),
            _ => (0..replicas).map(|_| self.replica(clock, values)).collect(),
        };
        Series { kind, replicas }
    }

    fn replica(&mut self, mut clock: Clock, values: Values) -> Vec<Sample> {
        let interval = clock.interval;
        let scrapes = match self.random.below(5) {
            0 | 1 => Scrapes::OnTime,
            2 => Scrapes::Later(self.random.between(0, interval - 1)),
            3 => Scrapes::Jittered(interval / 50),
            _ => Scrapes::Jittered(interval / 3),
        };
        // By its own reckoning: it has other values at the same moments.
        let lag = if self.random.once_in(4) { self.random.between(1, interval) } else { 0 };
        clock.epoch = clock.epoch.wrapping_sub(lag);
        let mut timeline = self.timeline(clock, scrapes, values);
        self.miss(&mut timeline);
        timeline
    }

    fn timeline(&mut self, clock: Clock, scrapes: Scrapes, values: Values) -> Vec<Sample> {
        let mut timeline: Vec<Sample> = Vec::with_capacity(clock.ticks);
        for tick in 0..clock.ticks as i64 {
            let due = clock.start.saturating_add(tick.saturating_mul(clock.interval));
            let time = match scrapes {
                Scrapes::OnTime => due,
                Scrapes::Later(by) => due.saturating_add(by),
                Scrapes::Jittered(by) => due.saturating_add(self.random.between(-by, by)),
            };
            if timeline.last().is_none_or(|last| last.time < time) {
                timeline.push(Sample { time, bits: value(values, clock, time) });
            }
        }
        timeline
    }

    /// Takes away what a replica missed.
    fn miss(&mut self, timeline: &mut Vec<Sample>) {
        let length = timeline.len();
        let some = |random: &mut Random| random.below(length / 2 + 1);
        match self.random.below(12) {
            0 | 1 => {}
            2 => timeline.clear(),
            3 => drop(timeline.drain(..some(&mut self.random))),
            4 => timeline.truncate(length - some(&mut self.random)),
            5 => {
                let mut is_kept = false;
                timeline.retain(|_| {
                    is_kept = !is_kept;
                    is_kept
                });
            }
            6 => timeline.truncate(1),
            7 | 8 => timeline.retain(|_| !self.random.once_in(7)),
            _ => {
                for _ in 0..=self.random.below(2) {
                    let length = timeline.len();
                    let start = self.random.below(length + 1);
                    let end = start + self.random.below(length - start + 1).min(length / 3);
                    timeline.drain(start..end);
                }
            }
        }
    }

    /// Timestamps without a pattern, now and then at the ends of all time.
    fn anything(&mut self) -> Vec<Sample> {
        let range = self.random.pick(&[100, 1_000_000, i64::MAX]);
        let mut times: Vec<i64> =
            (0..self.random.below(8)).map(|_| self.random.between(-range, range)).collect();
        times.sort_unstable();
        times.dedup();
        times.iter().map(|time| Sample { time: *time, bits: self.random.pick(&ODD) }).collect()
    }
}

/// A function of time, so that replicas agree where they have the same moment.
fn value(values: Values, clock: Clock, time: i64) -> u64 {
    let since = time.saturating_sub(clock.epoch);
    let mixed = Random::new(time.cast_unsigned() ^ clock.epoch.cast_unsigned()).next();
    let number = match values {
        Values::Constant => 1.0,
        Values::Counter => {
            let period = clock.interval.saturating_mul(1 + clock.ticks as i64 / 2);
            (since.rem_euclid(period) / 100) as f64
        }
        Values::Gauge => (mixed % 1000) as f64 - 500.0,
        Values::Odd => return ODD[(mixed % ODD.len() as u64) as usize],
    };
    number.to_bits()
}
