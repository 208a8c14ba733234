//! The values of several groups as one.
//!
//! In: for each expression of a site and each group (or unit of groups), the
//! values of its stretches, with the groups' labels. Out: the site's values,
//! series in label order, or nothing where that is not exact: the site is then
//! evaluated from raw samples.

use std::collections::BTreeMap;

use promql::{Labels, SeriesBatch, SeriesRef};

use crate::plan::Combine;

/// Values of consecutive steps.
#[derive(Debug)]
pub(super) struct Piece {
    /// Each label set once.
    pub(super) series: SeriesBatch,
}

/// Values by time, in milliseconds.
type Column = BTreeMap<i64, f64>;

/// Puts the values together: by part of the site, by unit of groups, by
/// stretch.
pub(super) fn combine(how: Combine, parts: Vec<Vec<Vec<Piece>>>) -> Option<SeriesBatch> {
    let mut parts = parts.into_iter();
    let (first, second) = (parts.next()?, parts.next());
    match how {
        Combine::Union => union(first),
        Combine::Sum => Some(batch(folded(&first, plus)?)),
        Combine::Min => Some(batch(folded(&first, |a, b| lesser(a, b, |a, b| a < b))?)),
        Combine::Max => Some(batch(folded(&first, |a, b| lesser(a, b, |a, b| a > b))?)),
        Combine::Average => average(folded(&first, plus)?, &folded(&second?, plus)?),
    }
}

/// A sum; none where it is infinite, because in another order it need not be.
fn plus(one: f64, other: f64) -> Option<f64> {
    let sum = one + other;
    (!sum.is_infinite()).then_some(sum)
}

/// The first where it is before the other, or the other is NaN: any number
/// takes the place of NaN (prometheus/promql/engine.go, `aggregation`).
fn lesser(one: f64, other: f64, before: impl Fn(f64, f64) -> bool) -> Option<f64> {
    Some(if before(other, one) || one.is_nan() { other } else { one })
}

/// The values of all units, by label set and time. Histograms are not put
/// together here.
fn folded(
    units: &[Vec<Piece>],
    fold: impl Fn(f64, f64) -> Option<f64>,
) -> Option<BTreeMap<Labels, Column>> {
    let mut all: BTreeMap<Labels, Column> = BTreeMap::new();
    for series in units.iter().flatten().flat_map(|piece| piece.series.iter()) {
        if !series.histogram_times.is_empty() {
            return None;
        }
        let column = match all.get_mut(series.labels) {
            Some(column) => column,
            None => all.entry(series.labels.clone()).or_default(),
        };
        for (time, value) in series.float_times.iter().zip(series.float_values) {
            match column.get_mut(time) {
                Some(own) => *own = fold(*own, *value)?,
                None => {
                    column.insert(*time, fold_first(*value, &fold)?);
                }
            }
        }
    }
    Some(all)
}

/// The first value is checked as if it were folded with nothing.
fn fold_first(value: f64, fold: &impl Fn(f64, f64) -> Option<f64>) -> Option<f64> {
    fold(value, value).map(|_| value)
}

fn average(
    sums: BTreeMap<Labels, Column>,
    counts: &BTreeMap<Labels, Column>,
) -> Option<SeriesBatch> {
    let mut averages = sums;
    for (labels, column) in &mut averages {
        let counts = counts.get(labels)?;
        for (time, value) in column {
            *value /= *counts.get(time)?;
        }
    }
    Some(batch(averages))
}

fn batch(columns: BTreeMap<Labels, Column>) -> SeriesBatch {
    let samples = columns.values().map(Column::len).sum();
    let mut batch = SeriesBatch::with_capacity(columns.len(), samples);
    for (labels, column) in columns {
        column.into_iter().for_each(|(time, value)| batch.push_float(time, value));
        batch.finish_series(labels);
    }
    batch
}

/// All series, those with the same labels as one; none if two units, or two
/// series of one, have a value at the same time.
fn union(units: Vec<Vec<Piece>>) -> Option<SeriesBatch> {
    let batches: Vec<SeriesBatch> = units.into_iter().flatten().map(|piece| piece.series).collect();
    let mut all: Vec<SeriesRef<'_>> = batches.iter().flat_map(SeriesBatch::iter).collect();
    all.sort_by(|a, b| a.labels.cmp(b.labels).then_with(|| first(a).cmp(&first(b))));
    let samples = batches.iter().map(SeriesBatch::samples).sum();
    let mut merged = SeriesBatch::with_capacity(all.len(), samples);
    for (place, series) in all.iter().enumerate() {
        merged.extend_floats(series.float_times, series.float_values);
        for (time, value) in series.histogram_times.iter().zip(series.histogram_values) {
            merged.push_histogram(*time, value.clone());
        }
        match all.get(place + 1).filter(|next| next.labels == series.labels) {
            Some(next) if last(series) >= first(next) => return None,
            Some(_) => {}
            None => merged.finish_series(series.labels.clone()),
        }
    }
    Some(merged)
}

fn first(series: &SeriesRef<'_>) -> Option<i64> {
    let times = [series.float_times.first(), series.histogram_times.first()];
    times.into_iter().flatten().min().copied()
}

fn last(series: &SeriesRef<'_>) -> Option<i64> {
    let times = [series.float_times.last(), series.histogram_times.last()];
    times.into_iter().flatten().max().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(series: &[(&str, &[(i64, f64)])]) -> Piece {
        let mut batch = SeriesBatch::new();
        for (job, samples) in series {
            samples.iter().for_each(|(time, value)| batch.push_float(*time, *value));
            batch.finish_series(Labels::from_pairs([("job", job)]));
        }
        Piece { series: batch }
    }

    fn show(batch: &SeriesBatch) -> Vec<String> {
        let series = batch.iter();
        series
            .map(|one| format!("{} {:?} {:?}", one.labels, one.float_times, one.float_values))
            .collect()
    }

    #[test]
    fn stretches_follow_one_another_and_groups_stand_side_by_side() {
        let east = vec![piece(&[("a", &[(1, 1.0)])]), piece(&[("a", &[(2, 2.0)])])];
        let west = vec![piece(&[("b", &[(1, 9.0)])])];
        let all = combine(Combine::Union, vec![vec![west, east]]).expect("exact");
        assert_eq!(show(&all), [r#"{job="a"} [1, 2] [1.0, 2.0]"#, r#"{job="b"} [1] [9.0]"#]);
    }

    #[test]
    fn the_same_series_at_the_same_time_is_no_union() {
        let one = || vec![piece(&[("a", &[(1, 1.0), (3, 1.0)])])];
        assert!(combine(Combine::Union, vec![vec![one(), one()]]).is_none());
    }

    #[test]
    fn sums_and_averages_are_of_what_is_there() {
        let sums = || {
            let east = vec![piece(&[("a", &[(1, 1.0), (2, 5.0)])])];
            let west = vec![piece(&[("a", &[(1, 3.0)])])];
            vec![east, west]
        };
        let counts = || {
            let east = vec![piece(&[("a", &[(1, 1.0), (2, 2.0)])])];
            let west = vec![piece(&[("a", &[(1, 1.0)])])];
            vec![east, west]
        };
        let sum = combine(Combine::Sum, vec![sums()]).expect("exact");
        assert_eq!(show(&sum), [r#"{job="a"} [1, 2] [4.0, 5.0]"#]);
        let average = combine(Combine::Average, vec![sums(), counts()]).expect("exact");
        assert_eq!(show(&average), [r#"{job="a"} [1, 2] [2.0, 2.5]"#]);
    }

    #[test]
    fn a_sum_that_overflows_is_left_to_the_raw_way() {
        let unit = |value| vec![piece(&[("a", &[(1, value)])])];
        assert!(combine(Combine::Sum, vec![vec![unit(f64::MAX), unit(f64::MAX)]]).is_none());
        assert!(combine(Combine::Sum, vec![vec![unit(f64::INFINITY), unit(1.0)]]).is_none());
        assert!(combine(Combine::Sum, vec![vec![unit(f64::NAN), unit(1.0)]]).is_some());
    }

    #[test]
    fn any_number_is_less_and_greater_than_nan() {
        let unit = |value| vec![piece(&[("a", &[(1, value)])])];
        for how in [Combine::Min, Combine::Max] {
            for order in [[f64::NAN, 2.0], [2.0, f64::NAN]] {
                let units = order.into_iter().map(unit).collect();
                let all = combine(how, vec![units]).expect("exact");
                assert_eq!(show(&all), [r#"{job="a"} [1] [2.0]"#]);
            }
        }
    }
}
