//! Statistics of one query, from what the stages measured.

use std::time::Duration;

use promql::value;

use super::{SampleCounts, Timings};

/// Timings from moments since the query's arrival: a place was free, the
/// samples were there, the value was.
pub(super) fn timings(moments: [Duration; 3]) -> Timings {
    let [queued, prepared, total] = moments.map(|moment| moment.as_secs_f64());
    Timings {
        eval_total: total - queued,
        result_sort: 0.0,
        query_preparation: prepared - queued,
        inner_eval: total - prepared,
        exec_queue: queued,
        exec_total: total,
    }
}

/// Counts of samples; those of every step if a first step and a distance of
/// steps are given, in milliseconds.
pub(super) fn samples(
    counts: &value::SampleCounts,
    peak: u64,
    grid: Option<(i64, i64)>,
) -> SampleCounts {
    SampleCounts {
        total: count(counts.total.iter().sum()),
        total_per_step: grid.map_or_else(Vec::new, |grid| per_step(grid, &counts.total)),
        read: count(counts.read.iter().sum()),
        read_per_step: grid.map_or_else(Vec::new, |grid| per_step(grid, &counts.read)),
        peak: count(peak),
    }
}

fn per_step((start_ms, step_ms): (i64, i64), counts: &[u64]) -> Vec<(i64, i64)> {
    let times = (0..).map(|step| start_ms + step * step_ms);
    times.zip(counts).map(|(time, own)| (time, count(*own))).collect()
}

fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_listed_only_where_they_are_asked_for() {
        let counts = value::SampleCounts { total: vec![3, 5], read: vec![3, 1] };
        let expected = SampleCounts { total: 8, read: 4, peak: 9, ..SampleCounts::default() };
        assert_eq!(samples(&counts, 9, None), expected);
        let expected = SampleCounts {
            total_per_step: vec![(60, 3), (75, 5)],
            read_per_step: vec![(60, 3), (75, 1)],
            ..expected
        };
        assert_eq!(samples(&counts, 9, Some((60, 15))), expected);
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let timings = timings([1, 3, 8].map(Duration::from_secs));
        assert_eq!(timings.exec_total, timings.exec_queue + timings.eval_total);
        assert_eq!(timings.eval_total, timings.query_preparation + timings.inner_eval);
    }
}
