//! Laws that hold for all timelines.

use alloc::vec::Vec;
use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Samples, Taken, merge, settings};
use crate::Settings;

/// Which ticks of a scrape loop each of three replicas has, and the distance
/// of ticks in milliseconds.
fn scrapes(misses: f64) -> impl Strategy<Value = (Vec<Vec<bool>>, i64)> {
    let step = prop::sample::select(&[1000_i64, 5000, 15_000, 30_000, 60_000][..]);
    // Missed ones are drawn, so that a failure shrinks to few misses.
    let missed = move || prop::bool::weighted(misses).prop_map(|missed| !missed);
    let replica = move || prop::collection::vec(missed(), 80);
    (prop::collection::vec(replica(), 2..=3), step)
}

/// Scrapes with an offset per replica and a jitter per scrape.
fn jittered(misses: f64) -> impl Strategy<Value = (Vec<Samples>, i64)> {
    let jitter = || prop::collection::vec(-20_i64..=20, 80);
    let replica = || (0_i64..1000, jitter(), prop::collection::vec(any::<f32>(), 80));
    (scrapes(misses), prop::collection::vec(replica(), 3)).prop_map(|((present, step), shapes)| {
        let replicas = present.iter().zip(&shapes).map(|(present, (offset, jitter, values))| {
            let ticks = present.iter().enumerate().filter(|(_, present)| **present);
            let sample = |(tick, _): (usize, &bool)| -> (i64, f64) {
                let at = tick as i64 * step + offset * step / 1000 + jitter[tick];
                (at, values[tick].into())
            };
            ticks.map(sample).collect()
        });
        (replicas.collect(), step)
    })
}

fn on_grid(present: &[Vec<bool>], step: i64) -> Vec<Samples> {
    let samples = |ticks: &Vec<bool>| -> Samples {
        let present = ticks.iter().enumerate().filter(|(_, present)| **present);
        present.map(|(tick, _)| (tick as i64 * step, tick as f64)).collect()
    };
    present.iter().map(samples).collect()
}

fn times(taken: &[Taken]) -> Vec<i64> {
    taken.iter().map(|(time, _, _)| *time).collect()
}

const RULES: [&str; 8] = [
    "",
    r#"{"prefer_max":true}"#,
    r#"{"anti_affinity":4000}"#,
    r#"{"rule":"max","anti_affinity":7000}"#,
    r#"{"rule":"promxy"}"#,
    r#"{"rule":"promxy","anti_affinity_dynamic":true,"prefer_max":true}"#,
    r#"{"rule":"penalty"}"#,
    r#"{"rule":"first"}"#,
];

/// Windows in which a law about windows is checked, far from their borders.
fn cut(replicas: &[Samples], start: i64, end: i64) -> Vec<Samples> {
    let inside = |samples: &Samples| -> Samples {
        samples.iter().filter(|(time, _)| (start..=end).contains(time)).copied().collect()
    };
    replicas.iter().map(inside).collect()
}

fn span(settings: &Settings, replicas: usize) -> Option<i64> {
    let span = settings.terms().span?;
    Some(i64::try_from(span.before_ms).unwrap() * (replicas as i64 - 1))
}

proptest! {
    // A window of ten minutes needs room around it.
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn replicas_on_one_grid_give_exactly_the_union((present, step) in scrapes(0.15)) {
        let replicas = on_grid(&present, step);
        let union: BTreeSet<i64> = replicas.iter().flatten().map(|(time, _)| *time).collect();
        let union: Vec<i64> = union.into_iter().collect();
        prop_assert_eq!(times(&merge(&settings(""), &replicas)), union);
    }

    #[test]
    fn on_one_grid_the_first_replica_that_has_a_moment_gives_it((present, step) in scrapes(0.15)) {
        let replicas = on_grid(&present, step);
        for (time, _, replica) in merge(&settings(""), &replicas) {
            let first = replicas.iter().position(|own| own.iter().any(|(t, _)| *t == time));
            prop_assert_eq!(replica, first);
        }
    }

    #[test]
    fn every_rule_keeps_the_contract((replicas, _) in jittered(0.3)) {
        for json in RULES {
            let settings = settings(json);
            let merged = merge(&settings, &replicas); // checks order and ranges
            let made = merged.iter().filter(|(_, _, replica)| replica.is_none()).count();
            prop_assert!(made == 0 || settings.terms().may_synthesise);
            prop_assert_eq!(merged.is_empty(), replicas.iter().all(Vec::is_empty));
        }
    }

    #[test]
    fn merging_is_idempotent((replicas, _) in jittered(0.3)) {
        for json in ["", r#"{"anti_affinity":4000}"#, r#"{"rule":"promxy"}"#, r#"{"rule":"first"}"#] {
            let settings = settings(json);
            let once: Samples =
                merge(&settings, &replicas).iter().map(|(time, value, _)| (*time, *value)).collect();
            let twice = merge(&settings, &[once.clone(), once.clone()]);
            prop_assert_eq!(times(&twice), once.iter().map(|(time, _)| *time).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_first_replica_is_kept_whole((replicas, _) in jittered(0.3)) {
        for json in ["", r#"{"anti_affinity":4000}"#] {
            let merged = merge(&settings(json), &replicas);
            let own = merged.iter().filter(|(_, _, replica)| *replica == Some(0)).count();
            prop_assert_eq!(own, replicas[0].len());
        }
    }

    #[test]
    fn other_replicas_keep_their_distance((replicas, step) in jittered(0.1)) {
        // Two replicas, so that the spacing nearby is the scrape interval.
        let merged = merge(&settings(""), &replicas[..2]);
        // At the ends too little is known of the spacing.
        let inside = |taken: &&[Taken]| (10 * step..70 * step).contains(&taken[0].0);
        for pair in merged.windows(2).filter(inside) {
            let switches = pair[0].2 != pair[1].2;
            let near = pair[1].0 - pair[0].0 < step * 3 / 8 - 40;
            prop_assert!(!(switches && near) , "{:?} in {:?}", pair, merged);
        }
    }

    #[test]
    fn no_hole_stays_where_another_replica_has_samples((replicas, step) in jittered(0.1)) {
        let merged = times(&merge(&settings(""), &replicas[..2]));
        let inside = |time: &i64| (10 * step..70 * step).contains(time);
        let all = replicas[..2].iter().flatten().map(|(time, _)| *time);
        for time in all.filter(inside) {
            let nearest = merged.iter().map(|taken| taken.abs_diff(time)).min().unwrap();
            prop_assert!(nearest <= step.unsigned_abs() * 3 / 4 + 40, "{time} in {merged:?}");
        }
    }

    #[test]
    fn a_window_is_decided_as_the_whole_is((replicas, step) in jittered(0.3), start in 0_i64..40) {
        for json in [
            r#"{"spacing_window":20000}"#,
            r#"{"spacing_window":60000}"#,
            r#"{"spacing_window":60000,"prefer_max":true}"#,
            r#"{"anti_affinity":4000}"#,
            r#"{"rule":"max","anti_affinity":7000}"#,
        ] {
            let settings = settings(json);
            let span = span(&settings, replicas.len()).unwrap();
            let (start, end) = (start * step, (start + 20) * step);
            let inside = |taken: &Taken| (start..=end).contains(&taken.0);
            let whole: Vec<_> = merge(&settings, &replicas).into_iter().filter(inside).collect();
            let part = merge(&settings, &cut(&replicas, start - span, end + span));
            let part: Vec<_> = part.into_iter().filter(inside).collect();
            prop_assert_eq!(&whole, &part, "{}", json);
        }
    }

    #[test]
    fn hostile_timestamps_do_no_harm(
        mut one in prop::collection::btree_set(any::<i64>(), 0..6),
        two in prop::collection::btree_set(any::<i64>(), 0..6),
    ) {
        one.extend([i64::MIN, i64::MAX]);
        let samples = |times: &BTreeSet<i64>| -> Samples {
            times.iter().map(|time| (*time, 1.0)).collect()
        };
        for json in RULES {
            merge(&settings(json), &[samples(&one), samples(&two)]);
            merge(&settings(json), &[samples(&two), samples(&one)]);
        }
    }
}
