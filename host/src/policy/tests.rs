use promql::Labels;

use super::*;

fn batch(series: &[(&str, &[(i64, f64)])]) -> SeriesBatch {
    let mut batch = SeriesBatch::new();
    for (name, samples) in series {
        for (time, value) in *samples {
            batch.push_float(*time, *value);
        }
        batch.finish_series(Labels::from_pairs([("__name__", *name)]));
    }
    batch
}

#[test]
fn a_hole_is_filled_and_the_runs_say_from_where() {
    let one = batch(&[("a", &[(0, 1.0), (15_000, 2.0), (45_000, 4.0), (60_000, 5.0)])]);
    let two = batch(&[("a", &[(0, 1.0), (15_000, 2.0), (30_000, 3.0), (45_000, 4.0)])]);
    let binding = Binding::native(Settings::default());
    let merged = merge(&binding, &[&one, &two], &Options::everything(60_000));
    let series = merged.series.series(0);
    assert_eq!(series.float_times, [0, 15_000, 30_000, 45_000, 60_000]);
    assert_eq!(series.float_values, [1.0, 2.0, 3.0, 4.0, 5.0]);
    let run = |replica, start, length| Run { replica, start, length };
    assert_eq!(merged.runs.series(0), [run(0, 0, 2), run(1, 2, 1), run(0, 2, 2)]);
    assert!(merged.warnings.is_empty() && merged.fault.is_none());
}
