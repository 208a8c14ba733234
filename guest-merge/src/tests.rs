//! What the rules promise, case by case and as laws.

mod laws;
mod promxy;

use alloc::vec::Vec;
use alloc::{string::String, vec};

use crate::{Batch, Plan, Settings, plan};

/// One replica's samples of one series.
pub(crate) type Samples = Vec<(i64, f64)>;

/// A merged sample: time, value, and the replica, none if synthesised.
pub(crate) type Taken = (i64, f64, Option<usize>);

pub(crate) fn settings(json: &str) -> Settings {
    Settings::from_json(json).unwrap()
}

/// Merges one series, and checks what holds for every plan.
pub(crate) fn merge(settings: &Settings, replicas: &[Samples]) -> Vec<Taken> {
    let plan = plan_of(settings, replicas);
    let mut taken: Vec<Taken> = Vec::new();
    for run in plan.runs.chunks(3) {
        let [replica, start, length] = run.iter().map(|n| *n as usize).collect::<Vec<_>>()[..]
        else {
            panic!("runs are triples");
        };
        assert!(length > 0);
        let samples = &replicas[replica][start..start + length];
        taken.extend(samples.iter().map(|(t, v)| (*t, *v, Some(replica))));
    }
    assert!(taken.windows(2).all(|pair| pair[0].0 < pair[1].0), "ascends: {taken:?}");
    let made = plan.synthesised_times.iter().zip(&plan.synthesised_values);
    taken.extend(made.map(|(time, bits)| (*time, f64::from_bits(*bits), None)));
    taken.sort_by_key(|(time, _, _)| *time);
    assert!(taken.windows(2).all(|pair| pair[0].0 < pair[1].0), "distinct: {taken:?}");
    taken
}

pub(crate) fn plan_of(settings: &Settings, replicas: &[Samples]) -> Plan {
    let (mut offsets, mut times, mut values) = (vec![0], vec![], vec![]);
    for samples in replicas {
        times.extend(samples.iter().map(|(time, _)| *time));
        values.extend(samples.iter().map(|(_, value)| value.to_bits()));
        offsets.push(u32::try_from(times.len()).unwrap());
    }
    let batch = Batch::new(replicas.len(), &offsets, &times, &values);
    let plan = plan(settings, &batch).unwrap();
    assert_eq!(plan.ends, [u32::try_from(plan.runs.len() / 3).unwrap()]);
    plan
}

/// Samples at these seconds; the value is the second.
pub(crate) fn at(seconds: &[i64]) -> Samples {
    seconds.iter().map(|second| (second * 1000, *second as f64)).collect()
}

fn seconds(taken: &[Taken]) -> Vec<i64> {
    taken.iter().map(|(time, _, _)| time / 1000).collect()
}

#[track_caller]
fn check(json: &str, replicas: &[&[i64]], expected: &[i64]) {
    let replicas: Vec<_> = replicas.iter().map(|seconds| at(seconds)).collect();
    assert_eq!(seconds(&merge(&settings(json), &replicas)), expected);
}

const INFERRED: &str = "";
const STATIC_10: &str = r#"{"anti_affinity":10000}"#;

#[test]
fn equal_replicas_give_the_first() {
    for json in [INFERRED, STATIC_10, r#"{"rule":"promxy"}"#, r#"{"rule":"penalty"}"#] {
        let replica = at(&[0, 15, 30, 45]);
        let plan = plan_of(&settings(json), &[replica.clone(), replica]);
        assert_eq!(plan.runs, [0, 0, 4], "{json}");
    }
}

#[test]
fn a_series_of_the_third_replica_only_is_taken_whole() {
    for json in [INFERRED, STATIC_10, r#"{"rule":"promxy"}"#, r#"{"rule":"penalty"}"#] {
        let plan = plan_of(&settings(json), &[vec![], vec![], at(&[5, 20])]);
        assert_eq!(plan.runs, [2, 0, 2], "{json}");
    }
}

#[test]
fn a_series_without_samples_gives_no_runs() {
    for rule in ["fill", "promxy", "penalty", "max", "first"] {
        let settings = Settings { rule: settings(&rule_json(rule)).rule, ..Settings::DEFAULT };
        assert!(plan_of(&settings, &[vec![], vec![]]).runs.is_empty());
    }
}

fn rule_json(rule: &str) -> String {
    alloc::format!("{{\"rule\":\"{rule}\"}}")
}

#[test]
fn instant_vectors_with_one_timestamp_are_one_sample() {
    check(INFERRED, &[&[60], &[60]], &[60]);
    check(INFERRED, &[&[60], &[57]], &[60]); // nearer than the fallback
    check(INFERRED, &[&[60], &[40]], &[40, 60]);
}

#[test]
fn short_windows_on_one_grid_give_the_union() {
    // Five seconds apart, nearer than the fallback: the shared timestamp says
    // that both sample at the same moments.
    check(INFERRED, &[&[0, 5], &[5, 10]], &[0, 5, 10]);
    check(INFERRED, &[&[0, 15], &[0, 30]], &[0, 15, 30]);
}

#[test]
fn a_missed_scrape_is_filled_on_one_grid() {
    check(INFERRED, &[&[0, 15, 30, 60, 75], &[0, 15, 30, 45, 60, 75]], &[0, 15, 30, 45, 60, 75]);
}

#[test]
fn a_missed_scrape_is_filled_once_at_any_offset() {
    let own: Vec<i64> = (0..20).filter(|tick| *tick != 10).map(|tick| tick * 16).collect();
    for offset in 0..16 {
        let other: Vec<i64> = (0..20).map(|tick| tick * 16 + offset).collect();
        let merged = merge(&settings(INFERRED), &[at(&own), at(&other)]);
        let inside = merged.iter().filter(|(t, _, _)| (145_000..175_000).contains(t)).count();
        // At half a spacing both neighbours of the hole's middle fit equally.
        assert_eq!(inside, if offset == 8 { 2 } else { 1 }, "offset {offset}");
        let gaps = merged.windows(2).map(|pair| pair[1].0 - pair[0].0);
        assert!(gaps.min().unwrap() >= 8000, "offset {offset}: {merged:?}");
    }
}

#[test]
fn a_missed_scrape_is_filled_though_the_other_is_a_little_late() {
    // Half a spacing apart, and late: no sample is quite far enough from both
    // neighbours, so the best one is taken.
    let own: Vec<_> = at(&[0, 16, 32, 48, 80, 96, 112, 128]);
    let mut other: Vec<_> = at(&[8, 24, 40, 56, 72, 88, 104, 120]);
    other[3].0 -= 300;
    other[4].0 += 400;
    let mut early = other.clone();
    early[3].0 -= 1;
    early[4].0 += 1;
    let _ = early;
    other[3].0 = 48_000 + 7_800;
    other[4].0 = 80_000 - 7_700;
    let merged = merge(&settings(INFERRED), &[own, other]);
    assert_eq!(seconds(&merged), [0, 16, 32, 48, 55, 80, 96, 112, 128]);
}

#[test]
fn a_late_scrape_is_no_hole() {
    // 22 s instead of 15: the other replica's sample stays out.
    check(INFERRED, &[&[0, 15, 30, 52, 60, 75], &[7, 22, 41, 56, 71]], &[0, 15, 30, 52, 60, 75]);
}

#[test]
fn interleaved_replicas_are_not_mixed() {
    let own = at(&[0, 60, 120, 180, 240, 300]);
    let other = at(&[30, 90, 150, 210, 270]);
    let merged = merge(&settings(INFERRED), &[own.clone(), other]);
    assert_eq!(merged.len(), own.len());
    assert!(merged.iter().all(|(_, _, replica)| *replica == Some(0)));
}

#[test]
fn an_outage_is_filled_and_the_seams_keep_half_a_spacing() {
    check(
        INFERRED,
        &[&[0, 15, 30, 45, 150, 165, 180], &[5, 20, 35, 50, 65, 80, 95, 110, 125, 140, 155, 170]],
        &[0, 15, 30, 45, 65, 80, 95, 110, 125, 140, 150, 165, 180],
    );
}

#[test]
fn many_holes_do_not_pass_for_spacing() {
    // The first has every third scrape only.
    let own: Vec<i64> = (0..30).step_by(3).map(|tick| tick * 15).collect();
    let other: Vec<i64> = (0..30).map(|tick| tick * 15 + 4).collect();
    let merged = merge(&settings(INFERRED), &[at(&own), at(&other)]);
    let widest = merged.windows(2).map(|pair| pair[1].0 - pair[0].0).max().unwrap();
    assert!(widest <= 22_500, "{merged:?}");
}

#[test]
fn a_static_distance_is_kept_on_both_sides() {
    check(STATIC_10, &[&[0, 60], &[9, 10, 30, 50, 51]], &[0, 10, 30, 50, 60]);
    check(STATIC_10, &[&[0, 19], &[9, 10]], &[0, 19]);
    check(STATIC_10, &[&[0, 20], &[9, 10]], &[0, 10, 20]);
    check(STATIC_10, &[&[20], &[10, 11, 29, 30, 31]], &[10, 20, 30, 31]);
    check(r#"{"anti_affinity":0}"#, &[&[0, 2], &[1, 2, 3]], &[0, 1, 2, 3]);
}

#[test]
fn the_third_replica_fills_what_the_second_lacks() {
    let merged = merge(
        &settings(STATIC_10),
        &[at(&[0, 90]), at(&[0, 15, 30, 90]), at(&[0, 15, 30, 45, 60, 75, 90])],
    );
    let replicas: Vec<_> = merged.iter().filter_map(|(_, _, replica)| *replica).collect();
    assert_eq!(seconds(&merged), [0, 15, 30, 45, 60, 75, 90]);
    assert_eq!(replicas, [0, 1, 1, 2, 2, 2, 0]);
}

#[test]
fn first_takes_one_replica_alone() {
    check(r#"{"rule":"first"}"#, &[&[], &[0, 60], &[0, 15, 30, 45, 60]], &[0, 60]);
}

#[test]
fn max_takes_the_greatest_near_a_moment_with_its_own_timestamp() {
    let values = |seconds: &[i64], values: &[f64]| -> Samples {
        seconds.iter().map(|second| second * 1000).zip(values.iter().copied()).collect()
    };
    let one = values(&[0, 15, 30, 60], &[1.0, f64::NAN, 3.0, 5.0]);
    let two = values(&[2, 17, 32, 47, 62], &[9.0, 9.0, 2.0, 4.0, f64::NAN]);
    for json in
        [r#"{"rule":"max","anti_affinity":5000}"#, r#"{"prefer_max":true,"anti_affinity":5000}"#]
    {
        let merged = merge(&settings(json), &[one.clone(), two.clone()]);
        let times: Vec<_> = merged.iter().map(|(time, _, _)| *time / 1000).collect();
        assert_eq!(times, [2, 15, 30, 47, 60]); // NaN neither wins nor loses
        let replicas: Vec<_> = merged.iter().filter_map(|(_, _, replica)| *replica).collect();
        assert_eq!(replicas, [1, 0, 0, 1, 0]);
    }
}

#[test]
fn penalty_leaves_a_replica_after_it_was_silent_for_twice_the_spacing() {
    // Thanos: the other's samples count from lastT + 1 + 2·(last gap) on.
    check(
        r#"{"rule":"penalty"}"#,
        &[&[10, 20, 30, 100, 110], &[12, 22, 32, 42, 52, 62, 72, 82, 92, 102, 112]],
        &[10, 20, 30, 52, 62, 72, 82, 92, 102, 112],
    );
    // Before any gap is known: five seconds.
    check(r#"{"rule":"penalty"}"#, &[&[0], &[5]], &[0]);
    check(r#"{"rule":"penalty"}"#, &[&[0], &[6]], &[0, 6]);
}

#[test]
fn a_malformed_batch_is_refused() {
    let refused = |replicas, offsets: &[u32], times: &[i64], json: &str| {
        let batch = Batch::new(replicas, offsets, times, &[]);
        alloc::format!("{}", plan(&settings(json), &batch).unwrap_err())
    };
    let count = "the number of offsets does not fit the number of replicas";
    assert_eq!(refused(0, &[0], &[], ""), count);
    assert_eq!(refused(2, &[0, 1], &[1], ""), count);
    let cover = "the offsets do not cover the timestamps";
    assert_eq!(refused(1, &[0, 2], &[1], ""), cover);
    assert_eq!(refused(1, &[0, 2, 1], &[1], ""), cover);
    assert_eq!(
        refused(1, &[0, 1], &[1], r#"{"rule":"max"}"#),
        "the settings need values, one per timestamp"
    );
}

#[test]
fn the_bindings_are_those_of_the_contract() {
    let contract = include_str!("../../wit/merge.wit");
    let bindings = include_str!("adapter/bindings.rs");
    let interface = contract.split("interface policy {").nth(1).unwrap();
    let interface = interface.split("/// A merge policy imports nothing").next().unwrap();
    for line in interface.lines().map(str::trim).filter(|line| line.starts_with("///")) {
        assert!(bindings.contains(line), "generate adapter/bindings.rs again: {line}");
    }
    for line in interface.lines().map(str::trim) {
        if let Some((name, rest)) = line.split_once(": ")
            && (rest.ends_with(',') || rest.starts_with("func"))
            && !line.starts_with("///")
        {
            let name = name.replace('-', "_");
            let known = [alloc::format!("pub {name}: "), alloc::format!("fn {name}(")];
            assert!(known.iter().any(|text| bindings.contains(text)), "{name} is not bound");
        }
    }
}
