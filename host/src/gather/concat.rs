//! Answers for pieces of a time range, put together.

use std::collections::HashMap;

use promql::{Labels, SeriesBatch};

/// One batch of what several hold, each label set once, in the order in which
/// they first occur. The pieces are in order of time and do not overlap, as
/// the windows they were asked for do not. Costs a copy, but for one piece.
#[must_use]
pub(super) fn concat(mut pieces: Vec<SeriesBatch>) -> SeriesBatch {
    pieces.retain(|piece| !piece.is_empty());
    if pieces.len() <= 1 {
        return pieces.pop().unwrap_or_default();
    }
    let mut order: Vec<(&Labels, Vec<(usize, usize)>)> = Vec::new();
    let mut index: HashMap<&Labels, usize> = HashMap::new();
    for (number, piece) in pieces.iter().enumerate() {
        for (place, labels) in piece.labels().iter().enumerate() {
            let found = *index.entry(labels).or_insert_with(|| {
                order.push((labels, Vec::new()));
                order.len() - 1
            });
            order[found].1.push((number, place));
        }
    }
    let samples = pieces.iter().map(SeriesBatch::samples).sum();
    let mut whole = SeriesBatch::with_capacity(order.len(), samples);
    for (labels, parts) in order {
        for (number, place) in parts {
            append(&mut whole, &pieces[number], place);
        }
        whole.finish_series(labels.clone());
    }
    whole
}

/// Appends the samples of one series to the series being built.
fn append(whole: &mut SeriesBatch, piece: &SeriesBatch, place: usize) {
    let series = piece.series(place);
    let starts = piece.float_starts(place);
    if starts.is_empty() {
        whole.extend_floats(series.float_times, series.float_values);
    } else {
        let samples = series.float_times.iter().zip(series.float_values).zip(starts);
        for ((time, value), start) in samples {
            whole.push_float(*time, *value);
            whole.start_last_float(*start);
        }
    }
    let mut starts = piece.histogram_starts(place).iter();
    for (time, value) in series.histogram_times.iter().zip(series.histogram_values) {
        whole.push_histogram(*time, value.clone());
        if let Some(start) = starts.next() {
            whole.start_last_histogram(*start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(series: &[(&str, &[i64])]) -> SeriesBatch {
        let mut batch = SeriesBatch::new();
        for (name, times) in series {
            let values: Vec<f64> = times.iter().map(|time| *time as f64).collect();
            batch.extend_floats(times, &values);
            batch.finish_series(Labels::from_pairs([("a", name)]));
        }
        batch
    }

    #[test]
    fn pieces_join_series_by_series() {
        let pieces = vec![
            piece(&[("x", &[1, 2]), ("y", &[2])]),
            piece(&[]),
            piece(&[("z", &[4]), ("x", &[3])]),
        ];
        assert_eq!(concat(pieces), piece(&[("x", &[1, 2, 3]), ("y", &[2]), ("z", &[4])]));
        assert_eq!(concat(Vec::new()), SeriesBatch::new());
    }

    #[test]
    fn start_timestamps_stay_with_their_samples() {
        let mut first = piece(&[("y", &[1])]);
        first.push_float(2, 2.0);
        first.start_last_float(1);
        first.finish_series(Labels::from_pairs([("a", "x")]));
        let whole = concat(vec![first, piece(&[("x", &[5])])]);
        assert_eq!(whole.series(1).float_times, [2, 5]);
        assert_eq!(whole.float_starts(1), [1, 0]);
    }
}
