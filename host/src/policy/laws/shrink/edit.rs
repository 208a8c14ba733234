//! One change that may make a probe smaller.

use std::ops::Range;

use super::super::case::Case;
use super::super::probe::Probe;
use crate::policy::Kind;

/// A change. Cases are counted over all of a probe, the last is the one that
/// the law is about.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    /// Some of the earlier batches go.
    Earlier(Range<usize>),
    /// One of them is asked about less often: so many times.
    Seldomer(usize, usize),
    /// Some series go.
    Series(usize, Range<usize>),
    /// A replica goes.
    Replica(usize, usize),
    /// All samples from one moment up to, without, another go.
    Moments(Range<usize>),
    /// Samples of one timeline go.
    Samples(usize, usize, Range<usize>),
    /// The kind of a series is forgotten.
    Kind(usize, usize),
    /// One border of the window goes.
    Border(Side),
    /// All values are zero.
    NoValues,
    /// One value of one timeline is something plainer.
    Value(usize, usize, usize, f64),
    /// All moments move.
    Moved(Mapping),
}

/// A border of a window.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Start,
    End,
}

/// Where a moment moves.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mapping {
    /// All by as much, so that the first is here.
    Shifted(i64),
    /// Evenly, so many milliseconds apart.
    Even(i64),
    /// Down to a multiple.
    Rounded(i64),
    /// Those from number `at` on come nearer to the one before.
    Gap {
        /// Above zero.
        at: usize,
        /// In milliseconds.
        to: i64,
    },
}

/// All changes worth trying, those that take away most first.
pub(super) fn edits(probe: &Probe, with_values: bool) -> impl Iterator<Item = Edit> {
    let earlier = ranges(probe.earlier.len()).map(Edit::Earlier);
    let seldomer = probe.earlier.iter().enumerate().flat_map(|(index, repeated)| {
        let (times, eighth) = (repeated.times, repeated.times / 8);
        let fewer = [1, times / 2, times - eighth, times - 1].into_iter();
        let fewer = fewer.filter(move |fewer| (1..times).contains(fewer));
        fewer.map(move |fewer| Edit::Seldomer(index, fewer))
    });
    let cases = || probe.cases().enumerate();
    let structure = cases().flat_map(|(of, case)| {
        let series = ranges(case.series.len()).map(move |range| Edit::Series(of, range));
        series.chain((0..case.replicas).map(move |replica| Edit::Replica(of, replica)))
    });
    let moments = ranges(moments(probe).len()).map(Edit::Moments);
    let samples = cases().flat_map(|(of, case)| {
        case.timelines().enumerate().flat_map(move |(timeline, samples)| {
            ranges(samples.len()).map(move |range| Edit::Samples(of, timeline, range))
        })
    });
    let kinds = cases()
        .flat_map(|(of, case)| (0..case.series.len()).map(move |series| Edit::Kind(of, series)));
    let borders = [Edit::Border(Side::Start), Edit::Border(Side::End)];
    earlier
        .chain(seldomer)
        .chain(structure)
        .chain(moments)
        .chain(samples)
        .chain(kinds)
        .chain(borders)
        .chain(values(probe, with_values))
        .chain(mappings(probe).map(Edit::Moved))
}

fn values(probe: &Probe, with_values: bool) -> impl Iterator<Item = Edit> {
    let each = probe.cases().enumerate().flat_map(|(of, case)| {
        case.timelines().enumerate().flat_map(move |(timeline, samples)| {
            (0..samples.len()).flat_map(move |at| {
                [0.0, 1.0, 2.0].map(|value| Edit::Value(of, timeline, at, value))
            })
        })
    });
    std::iter::once(Edit::NoValues).chain(each).filter(move |_| with_values)
}

fn mappings(probe: &Probe) -> impl Iterator<Item = Mapping> {
    let moments = moments(probe);
    let first = moments.first().copied().unwrap_or(0);
    let shifted = [0, 1, -1, 1000, -1000, leading(first), first / 10, first / 2];
    let whole = [
        Mapping::Even(1000),
        Mapping::Even(15_000),
        Mapping::Even(60_000),
        Mapping::Rounded(60_000),
        Mapping::Rounded(1000),
        Mapping::Rounded(10),
    ];
    let gaps = (1..moments.len()).flat_map(move |at| {
        let gap = moments[at].saturating_sub(moments[at - 1]);
        let nearer = [1000, 15_000, 60_000, gap / 2 / 1000 * 1000, gap / 1000 * 1000, gap / 2, 1];
        nearer.into_iter().filter(move |to| *to < gap).map(move |to| Mapping::Gap { at, to })
    });
    shifted.map(Mapping::Shifted).into_iter().chain(whole).chain(gaps)
}

/// Parts of a list: all of it, all but the last or the first, then halves and
/// smaller ones, pairs among them.
fn ranges(length: usize) -> impl Iterator<Item = Range<usize>> {
    let large = [0..length, 0..length.saturating_sub(1), 1..length];
    let large = large.into_iter().filter(|range| !range.is_empty());
    let halves = std::iter::successors(Some(length / 2), |size| Some(size / 2));
    let sizes = halves.take_while(|size| *size > 2).chain([2, 1]);
    large.chain(sizes.flat_map(move |size| {
        (0..length).step_by(size).map(move |start| start..(start + size).min(length))
    }))
}

/// The number with zeros for all digits but the first.
const fn leading(number: i64) -> i64 {
    let mut unit = 1;
    while number / unit / 10 != 0 {
        unit *= 10;
    }
    number / unit * unit
}

/// All moments that occur, ascending.
fn moments(probe: &Probe) -> Vec<i64> {
    let mut moments: Vec<i64> = probe.cases().flat_map(Case::times).collect();
    let (start, end) = probe.window.unwrap_or_default();
    moments.extend(start.into_iter().chain(end));
    moments.sort_unstable();
    moments.dedup();
    moments
}

impl Edit {
    /// The changed probe; none if the change is not possible.
    pub(super) fn apply(&self, probe: &Probe) -> Option<Probe> {
        if let Self::Moved(mapping) = self {
            return mapping.apply(probe);
        }
        let mut probe = probe.clone();
        match self {
            Self::Earlier(range) => drop(probe.earlier.drain(range.clone())),
            Self::Seldomer(index, times) => probe.earlier[*index].times = *times,
            Self::Series(of, range) => {
                let case = probe.cases_mut().nth(*of)?;
                case.series.drain(range.clone());
                if case.series.is_empty() {
                    return None;
                }
            }
            Self::Replica(of, replica) => remove_replica(probe.cases_mut().nth(*of)?, *replica)?,
            Self::Moments(range) => {
                let moments = moments(&probe);
                let gone = moments[range.start]..=moments[range.end - 1];
                let timelines = probe.cases_mut().flat_map(Case::timelines_mut);
                timelines.for_each(|all| all.retain(|sample| !gone.contains(&sample.time)));
            }
            Self::Samples(of, timeline, range) => {
                let case = probe.cases_mut().nth(*of)?;
                case.timelines_mut().nth(*timeline)?.drain(range.clone());
            }
            Self::Kind(of, series) => {
                probe.cases_mut().nth(*of)?.series[*series].kind = Kind::Unknown;
            }
            Self::Border(side) => {
                let (start, end) = probe.window?;
                probe.window = match side {
                    Side::Start => end.map(|end| (None, Some(end))),
                    Side::End => start.map(|start| (Some(start), None)),
                };
                probe.window?;
            }
            Self::NoValues => probe.forget_values(),
            Self::Value(of, timeline, at, value) => {
                let case = probe.cases_mut().nth(*of)?;
                case.timelines_mut().nth(*timeline)?[*at].bits = value.to_bits();
            }
            Self::Moved(_) => {}
        }
        Some(probe)
    }
}

fn remove_replica(case: &mut Case, replica: usize) -> Option<()> {
    if case.replicas < 2 {
        return None;
    }
    case.replicas -= 1;
    for series in &mut case.series {
        series.replicas.remove(replica);
    }
    Some(())
}

impl Mapping {
    fn apply(self, probe: &Probe) -> Option<Probe> {
        let old = moments(probe);
        let new = self.moved(&old)?;
        if !new.is_sorted_by(|one, two| one < two) {
            return None;
        }
        let moved = |time: i64| new[old.binary_search(&time).expect("it is one of the moments")];
        let mut probe = probe.clone();
        for sample in probe.cases_mut().flat_map(Case::timelines_mut).flatten() {
            sample.time = moved(sample.time);
        }
        probe.window = probe.window.map(|(start, end)| (start.map(moved), end.map(moved)));
        Some(probe)
    }

    fn moved(self, old: &[i64]) -> Option<Vec<i64>> {
        let first = *old.first()?;
        match self {
            Self::Shifted(to) => {
                let by = first.checked_sub(to)?;
                old.iter().map(|time| time.checked_sub(by)).collect()
            }
            Self::Even(step) => Some((0..old.len() as i64).map(|at| at * step).collect()),
            Self::Rounded(unit) => {
                old.iter().map(|time| time.div_euclid(unit).checked_mul(unit)).collect()
            }
            Self::Gap { at, to } => {
                let by = old[at].checked_sub(old[at - 1])?.checked_sub(to)?;
                let shifted = |(index, time): (usize, &i64)| {
                    if index < at { Some(*time) } else { time.checked_sub(by) }
                };
                old.iter().enumerate().map(shifted).collect()
            }
        }
    }
}
