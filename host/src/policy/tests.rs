//! Merges as the query flow sees them.

mod bindings;
pub(super) mod guests;
mod hostile;
mod life;
mod loading;
mod matching;
mod seams;
mod shadows;
mod twice;
mod wasi;

use std::sync::{Arc, LazyLock};

use promql::Labels;

use super::*;

/// One engine for all tests, as in the product.
pub(super) fn engine() -> &'static Engine {
    static ENGINE: LazyLock<Engine> =
        LazyLock::new(|| Engine::new(&EngineLimits::default()).expect("wasm runs here"));
    &ENGINE
}

/// The built-in component under some settings.
fn builtin(settings: &str) -> Binding {
    static VERSION: LazyLock<Arc<Version>> =
        LazyLock::new(|| Arc::new(Version::builtin(engine()).expect("the build made it")));
    let fallback = Settings::from_json(settings).expect("valid settings");
    Binding::component(Arc::clone(&VERSION), Spec::with_settings(settings), fallback)
        .expect("the built-in policy passes its trial")
}

/// One replica's answer: series by name, samples in seconds.
fn batch(series: &[(&str, &[(i64, f64)])]) -> SeriesBatch {
    let mut batch = SeriesBatch::new();
    for (name, samples) in series {
        for (seconds, value) in *samples {
            batch.push_float(seconds * 1000, *value);
        }
        batch.finish_series(Labels::from_pairs([("__name__", *name)]));
    }
    batch
}

fn run(replica: u32, start: u32, length: u32) -> Run {
    Run { replica, start, length }
}

/// Timestamps in seconds of series `index`.
fn seconds(merged: &Merged, index: usize) -> Vec<i64> {
    merged.series.series(index).float_times.iter().map(|time| time / 1000).collect()
}

#[test]
fn a_hole_is_filled_and_the_runs_say_from_where() {
    let one = batch(&[("a", &[(0, 1.0), (15, 2.0), (45, 4.0), (60, 5.0)])]);
    let two = batch(&[("a", &[(0, 1.0), (15, 2.0), (30, 3.0), (45, 4.0)])]);
    for binding in [Binding::native(Settings::default()), builtin("")] {
        let merged = merge(&binding, &[&one, &two], &Options::everything(60_000));
        assert_eq!(seconds(&merged, 0), [0, 15, 30, 45, 60]);
        assert_eq!(merged.series.series(0).float_values, [1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(merged.runs.series(0), [run(0, 0, 2), run(1, 2, 1), run(0, 2, 2)]);
        assert!(merged.warnings.is_empty() && merged.fault.is_none());
    }
}

#[test]
fn series_with_the_same_timelines_share_a_decision() {
    let names: Vec<String> = (0..100).map(|index| format!("a{index:03}")).collect();
    let samples = [(0, 1.0), (15, 2.0)];
    let all: Vec<(&str, &[(i64, f64)])> =
        names.iter().map(|name| (name.as_str(), samples.as_slice())).collect();
    let one = batch(&all);
    let two = batch(&all[..60]);
    let merged = merge(&builtin(""), &[&one, &two], &Options::everything(0));
    assert_eq!(merged.series.len(), 100);
    let expected = Decisions { lone: 40, shared: 59, asked: 1, calls: 1, dropped_at_seams: 0 };
    assert_eq!(merged.decisions, expected);
}

#[test]
fn a_policy_that_needs_samples_is_asked_for_every_series() {
    let samples: &[(i64, f64)] = &[(0, 1.0), (15, 2.0)];
    let one = batch(&[("a", samples), ("b", samples)]);
    let merged = merge(&builtin(r#"{"rule":"max"}"#), &[&one, &one], &Options::everything(0));
    assert_eq!(merged.decisions.asked, 2);
}

#[test]
fn large_answers_are_asked_in_chunks_of_whole_series() {
    // 20,000 samples per series and two replicas: every series is a chunk.
    let mut one = SeriesBatch::new();
    for series in 0..3_i64 {
        for index in 0..20_000 {
            one.push_float(index * 15_000 + series, 1.0);
        }
        one.finish_series(Labels::from_pairs([("a", series.to_string())]));
    }
    let merged = merge(&builtin(""), &[&one, &one], &Options::everything(0));
    assert_eq!(merged.series, one);
    assert_eq!(merged.decisions.calls, 3);
}

#[test]
fn samples_outside_the_window_are_looked_at_and_left_out() {
    let one = batch(&[("a", &[(0, 1.0), (15, 2.0), (45, 4.0)]), ("b", &[(0, 1.0)])]);
    let two = batch(&[("a", &[(30, 3.0), (45, 4.0), (60, 5.0)])]);
    let options = Options { start_ms: 15_000, end_ms: 45_000, ..Options::everything(60_000) };
    let merged = merge(&builtin(r#"{"anti_affinity":5000}"#), &[&one, &two], &options);
    assert_eq!(merged.series.len(), 1);
    assert_eq!(seconds(&merged, 0), [15, 30, 45]);
    assert_eq!(merged.runs.series(0), [run(0, 1, 1), run(1, 0, 1), run(0, 2, 1)]);
}

#[test]
fn synthesised_samples_stand_between_the_others_and_are_marked() {
    // promxy moves the greater value of another replica to the base's time.
    let one = batch(&[("a", &[(0, 1.0), (15, 1.0), (30, 1.0), (45, 1.0)])]);
    let two = batch(&[("a", &[(14, 7.0), (44, 0.5)])]);
    let binding = builtin(r#"{"rule":"promxy","prefer_max":true,"anti_affinity":5000}"#);
    let merged = merge(&binding, &[&one, &two], &Options::everything(0));
    assert_eq!(seconds(&merged, 0), [0, 15, 30, 45]);
    assert_eq!(merged.series.series(0).float_values, [1.0, 7.0, 1.0, 1.0]);
    let made = run(Run::SYNTHESISED, 0, 1);
    assert_eq!(merged.runs.series(0), [run(0, 0, 1), made, run(0, 2, 2)]);
}
