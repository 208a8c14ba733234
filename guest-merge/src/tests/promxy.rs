//! promxy's own expectations (its merge tests), and its peculiarities.

use alloc::vec::Vec;

use super::{Samples, Taken, merge, settings};

fn samples(times: &[i64]) -> Samples {
    times.iter().map(|time| (*time, 1.0)).collect()
}

fn times(taken: &[Taken]) -> Vec<i64> {
    taken.iter().map(|(time, _, _)| *time).collect()
}

#[track_caller]
fn check(json: &str, replicas: &[&[i64]], expected: &[i64]) {
    let replicas: Vec<_> = replicas.iter().map(|times| samples(times)).collect();
    let settings = settings(&json.replacen('{', r#"{"rule":"promxy","#, 1));
    assert_eq!(times(&merge(&settings, &replicas)), expected);
}

#[test]
fn samples_too_near_are_left_out() {
    // promxy's units are its own there; distances here are whole seconds.
    check(
        r#"{"anti_affinity":100000}"#,
        &[&[200_000, 400_000], &[100_000, 300_000]],
        &[200_000, 400_000],
    );
    check(r#"{"anti_affinity":2000}"#, &[&[100_000], &[101_000]], &[100_000]);
}

#[test]
fn fractions_of_a_second_do_not_count() {
    check(r#"{"anti_affinity":999}"#, &[&[0, 2000], &[1, 1000, 1999]], &[0, 1, 1000, 1999, 2000]);
}

#[test]
fn the_side_with_more_samples_is_the_base_and_ties_keep_the_first() {
    let settings = settings(r#"{"rule":"promxy","anti_affinity":10000}"#);
    let replicas = |taken: &[Taken]| taken.iter().filter_map(|t| t.2).collect::<Vec<_>>();
    let (short, long) = (samples(&[0, 20_000]), samples(&[1000, 11_000, 21_000]));
    assert_eq!(replicas(&merge(&settings, &[short.clone(), long.clone()])), [1, 1, 1]);
    assert_eq!(replicas(&merge(&settings, &[short.clone(), samples(&[5000, 25_000])])), [0, 0]);
    assert_eq!(replicas(&merge(&settings, &[long, short])), [0, 0, 0]);
}

#[test]
fn two_interleaved_series_give_six_samples_static_and_three_dynamic() {
    let replicas: [&[i64]; 2] = [&[0, 60_000, 120_000], &[30_000, 90_000, 150_000]];
    check(r#"{"anti_affinity":15000}"#, &replicas, &[0, 30_000, 60_000, 90_000, 120_000, 150_000]);
    // Half the median of the four gaps is 30 s; the last is exactly that far.
    check(
        r#"{"anti_affinity":15000,"anti_affinity_dynamic":true}"#,
        &replicas,
        &[0, 60_000, 120_000],
    );
}

#[test]
fn too_few_gaps_keep_the_static_distance() {
    check(
        r#"{"anti_affinity":15000,"anti_affinity_dynamic":true}"#,
        &[&[0, 60_000], &[30_000, 90_000]],
        &[0, 30_000, 60_000, 90_000],
    );
}

#[test]
fn leading_and_trailing_samples_of_the_other_side_are_taken() {
    check(
        r#"{"anti_affinity":10000}"#,
        &[
            &[100_000, 115_000, 130_000, 145_000, 160_000],
            &[80_000, 89_000, 90_000, 170_000, 171_000],
        ],
        &[80_000, 89_000, 100_000, 115_000, 130_000, 145_000, 160_000, 171_000],
    );
}

#[test]
fn a_hole_takes_all_samples_inside_whatever_their_spacing() {
    check(
        r#"{"anti_affinity":10000}"#,
        &[&[0, 15_000, 60_000, 75_000], &[26_000, 27_000, 49_000, 50_000]],
        &[0, 15_000, 26_000, 27_000, 49_000, 60_000, 75_000],
    );
}

#[test]
fn prefer_max_moves_the_first_near_value_to_the_bases_timestamp() {
    let settings = settings(r#"{"rule":"promxy","anti_affinity":5000,"prefer_max":true}"#);
    let one = [(0, 1.0), (15_000, 1.0), (30_000, 1.0), (45_000, f64::NAN)];
    let two = [(0, 9.0), (13_000, 2.0), (14_000, 7.0), (30_000, 3.0), (45_000, 9.0)];
    // Two has more samples and is the base; one never wins but where greater.
    let merged = merge(&settings, &[two.to_vec(), one.to_vec()]);
    assert_eq!(merged[..3], [(0, 9.0, Some(0)), (13_000, 2.0, Some(0)), (14_000, 7.0, Some(0))]);
    // With one as the base: the first sample is never compared, only the
    // first candidate counts, and equal timestamps need no new sample.
    let one = [one.as_slice(), &[(60_000, 1.0)]].concat();
    let merged = merge(&settings, &[one, two.to_vec()]);
    assert_eq!(merged[..2], [(0, 1.0, Some(0)), (15_000, 2.0, None)]);
    assert_eq!(merged[2], (30_000, 3.0, Some(1)));
    assert!(merged[3].1.is_nan());
    assert_eq!(merged[4], (60_000, 1.0, Some(0)));
}
