//! No seam fakes a reset of a counter, and no reset disappears.

use proptest::prelude::*;

use super::*;

const COUNTER: &str = "requests_total";

/// Merges one series of two or more replicas; returns its samples and how
/// many were dropped.
fn merged(name: &str, replicas: &[&[(i64, f64)]]) -> (Vec<(i64, f64)>, usize) {
    let batches: Vec<_> = replicas.iter().map(|samples| batch(&[(name, samples)])).collect();
    let batches: Vec<&SeriesBatch> = batches.iter().collect();
    let settings = Settings::from_json(r#"{"anti_affinity":7500}"#).expect("valid settings");
    let merged = merge(&Binding::native(settings), &batches, &Options::everything(0));
    let series = merged.series.series(0);
    let times = series.float_times.iter().map(|time| time / 1000);
    let samples = times.zip(series.float_values.iter().copied()).collect();
    (samples, merged.decisions.dropped_at_seams)
}

fn falls(samples: &[(i64, f64)]) -> usize {
    samples.windows(2).filter(|pair| pair[1].1 < pair[0].1).count()
}

/// The second replica's clock is ahead: what it says at a moment, the first
/// said 20 seconds before.
const AHEAD: [&[(i64, f64)]; 2] = [
    &[(0, 100.0), (15, 115.0), (30, 130.0), (120, 220.0), (135, 235.0)],
    &[
        (8, 88.0),
        (23, 103.0),
        (38, 118.0),
        (53, 133.0),
        (68, 148.0),
        (83, 163.0),
        (98, 178.0),
        (113, 193.0),
        (128, 208.0),
    ],
];

#[test]
fn leading_samples_of_the_filler_that_would_fake_a_reset_are_dropped() {
    let (samples, dropped) = merged(COUNTER, &AHEAD);
    assert_eq!(falls(&samples), 0, "{samples:?}");
    assert_eq!(dropped, 1); // 118 at 38 s
    assert!(samples.contains(&(53, 133.0)));
}

#[test]
fn trailing_samples_of_the_filler_that_would_fake_a_reset_are_dropped() {
    // The second replica's clock is behind: it is always 20 seconds further.
    let behind: [&[(i64, f64)]; 2] = [
        &[(0, 100.0), (15, 115.0), (75, 175.0), (90, 190.0)],
        &[(7, 127.0), (22, 142.0), (37, 157.0), (52, 172.0), (67, 187.0), (82, 202.0)],
    ];
    let (samples, dropped) = merged(COUNTER, &behind);
    assert_eq!(falls(&samples), 0, "{samples:?}");
    assert_eq!(dropped, 1); // 187 at 67 s
    assert!(samples.contains(&(52, 172.0)));
}

#[test]
fn a_filler_that_begins_at_the_seam_cannot_fake_a_reset_either() {
    let (samples, dropped) = merged(
        COUNTER,
        &[&[(0, 100.0), (15, 115.0), (45, 145.0)], &[(30, 105.0), (45, 120.0), (60, 135.0)]],
    );
    assert_eq!(samples, [(0, 100.0), (15, 115.0), (45, 145.0)]);
    assert_eq!(dropped, 2);
}

#[test]
fn a_gauge_keeps_its_samples() {
    let (samples, dropped) = merged("temperature", &AHEAD);
    assert_eq!(dropped, 0);
    assert!(samples.contains(&(38, 118.0)));
}

#[test]
fn the_kind_that_metadata_tells_wins_over_the_name() {
    let batches: Vec<_> = AHEAD.iter().map(|samples| batch(&[(COUNTER, samples)])).collect();
    let gauge = |_: &str| Kind::Gauge;
    let options = Options { kind_of: Some(&gauge), ..Options::everything(0) };
    let settings = Settings::from_json(r#"{"anti_affinity":7500}"#).expect("valid settings");
    let merged = merge(&Binding::native(settings), &[&batches[0], &batches[1]], &options);
    assert_eq!(merged.decisions.dropped_at_seams, 0);
}

#[test]
fn a_reset_that_the_filler_saw_at_the_seam_stays() {
    let (samples, dropped) = merged(
        COUNTER,
        &[
            &[(0, 100.0), (15, 115.0), (30, 130.0), (120, 60.0)],
            &[(7, 107.0), (22, 122.0), (37, 5.0), (52, 15.0), (67, 25.0), (112, 55.0)],
        ],
    );
    assert_eq!(dropped, 0);
    assert_eq!(falls(&samples), 1);
}

#[test]
fn a_reset_that_the_first_replica_saw_on_return_stays() {
    let (samples, dropped) = merged(
        COUNTER,
        &[
            &[(0, 100.0), (15, 115.0), (75, 5.0), (90, 20.0)],
            &[(7, 107.0), (22, 122.0), (37, 137.0), (52, 152.0), (67, 167.0), (82, 12.0)],
        ],
    );
    assert_eq!(dropped, 0);
    assert_eq!(falls(&samples), 1);
}

#[test]
fn a_reset_in_an_outage_of_both_is_not_taken_for_skew() {
    // Neither saw it happen; the filler was away for ten minutes.
    let (samples, dropped) = merged(
        COUNTER,
        &[
            &[(0, 1000.0), (15, 1010.0), (600, 5000.0), (615, 5010.0)],
            &[(7, 10.0), (652, 50.0), (667, 60.0), (682, 70.0)],
        ],
    );
    assert_eq!(dropped, 0);
    assert_eq!(falls(&samples), 1);
}

#[test]
fn a_filling_run_that_is_dropped_whole_leaves_one_run() {
    let one = batch(&[(COUNTER, &[(0, 100.0), (15, 115.0), (45, 145.0), (60, 160.0)])]);
    let two = batch(&[(COUNTER, &[(0, 70.0), (15, 85.0), (30, 100.0), (45, 115.0)])]);
    let binding = Binding::native(Settings::default());
    let merged = merge(&binding, &[&one, &two], &Options::everything(0));
    assert_eq!(merged.decisions.dropped_at_seams, 1);
    assert_eq!(merged.runs.series(0), [run(0, 0, 4)]);
}

#[test]
fn stale_markers_do_not_hide_a_false_reset() {
    let stale = f64::from_bits(promql::series::STALE_NAN_BITS);
    let first = [(0, 100.0), (15, 119.0), (30, stale), (120, 220.0), (135, 235.0)];
    let (samples, dropped) = merged(COUNTER, &[&first, AHEAD[1]]);
    assert!(dropped > 0);
    let numbers: Vec<_> = samples.into_iter().filter(|(_, value)| !value.is_nan()).collect();
    assert_eq!(falls(&numbers), 0, "{numbers:?}");
}

/// What a counter says at a moment: it counts one per second, and starts anew
/// at each of `resets`.
fn counter(second: f64, resets: &[i64]) -> f64 {
    let since = resets.iter().map(|reset| *reset as f64).filter(|reset| *reset <= second);
    1000.0 * f64::from(u8::from(resets.iter().all(|reset| *reset as f64 > second))) + second
        - since.fold(-100.0, f64::max)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn skewed_clocks_never_fake_a_reset(
        missed in prop::collection::vec(prop::bool::weighted(0.2), 120),
        outage in (0_usize..60, 0_usize..40),
        offset in 0_i64..15,
        skew in -40_i64..=40,
    ) {
        let inside = |tick: usize| (outage.0..outage.0 + outage.1).contains(&tick);
        let one: Vec<_> = (0..120_usize)
            .filter(|tick| !missed[*tick] && !inside(*tick))
            .map(|tick| (15 * tick as i64, counter(15.0 * tick as f64, &[])))
            .collect();
        // It begins earlier: at a start there is nothing to tell by.
        let two: Vec<_> = (-3..120_i64)
            .map(|tick| 15 * tick + offset)
            .map(|second| (second, counter((second + skew) as f64, &[])))
            .collect();
        let (samples, _) = merged(COUNTER, &[&one, &two]);
        prop_assert_eq!(falls(&samples), 0, "{:?}", samples);
        let (samples, _) = merged(COUNTER, &[&two, &one]);
        prop_assert_eq!(falls(&samples), 0, "{:?}", samples);
    }

    #[test]
    fn real_resets_survive(
        missed in prop::collection::vec(prop::bool::weighted(0.2), 120),
        reset in 300_i64..1500,
        offset in 0_i64..15,
    ) {
        let one: Vec<_> = (0..120_usize)
            .filter(|tick| !missed[*tick])
            .map(|tick| (15 * tick as i64, counter(15.0 * tick as f64, &[reset])))
            .collect();
        let two: Vec<_> = (0..120_i64)
            .map(|tick| 15 * tick + offset)
            .map(|second| (second, counter(second as f64, &[reset])))
            .collect();
        let (samples, dropped) = merged(COUNTER, &[&one, &two]);
        prop_assert_eq!(falls(&samples), 1, "{:?}", samples);
        prop_assert_eq!(dropped, 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_window_is_repaired_as_the_whole_is(
        missed in prop::collection::vec(prop::bool::weighted(0.2), 240),
        outages in prop::collection::vec((0_usize..240, 0_usize..60), 0..3),
        resets in prop::collection::vec(0_i64..3600, 0..3),
        (offset, skew) in (0_i64..15, -40_i64..=40),
        start in 0_i64..2400,
    ) {
        let out = |tick: &usize| {
            missed[*tick] || outages.iter().any(|(at, len)| (*at..at + len).contains(tick))
        };
        let one: Vec<_> = (0..240_usize)
            .filter(|tick| !out(tick))
            .map(|tick| (15 * tick as i64, counter(15.0 * tick as f64, &resets)))
            .collect();
        let two: Vec<_> = (0..240_i64)
            .map(|tick| 15 * tick + offset)
            .map(|second| (second, counter((second + skew) as f64, &resets)))
            .collect();
        let binding = Binding::native(Settings::default());
        let span = binding.span(2).expect("it is finite");
        let reach = i64::try_from(span.before_ms).expect("minutes") / 1000;
        let end = start + 300;
        let options = Options {
            start_ms: start * 1000,
            end_ms: end * 1000,
            ..Options::everything(0)
        };
        let cut = |samples: &[(i64, f64)]| -> Vec<(i64, f64)> {
            let inside = |(time, _): &&(i64, f64)| (start - reach..=end + reach).contains(time);
            samples.iter().filter(inside).copied().collect()
        };
        let merged = |one: &[(i64, f64)], two: &[(i64, f64)]| {
            let (one, two) = (batch(&[(COUNTER, one)]), batch(&[(COUNTER, two)]));
            merge(&binding, &[&one, &two], &options).series
        };
        prop_assert_eq!(merged(&one, &two), merged(&cut(&one), &cut(&two)));
    }
}
