use promql::matcher::MatchOp;

use super::*;

fn matcher(name: &str, value: &str) -> Matcher {
    Matcher::new(name, MatchOp::Equal, value).expect("valid")
}

fn learned(buckets: std::ops::Range<i64>) -> Learned {
    let counts = Counts::new(vec![(20, 3)]);
    Learned {
        grid: Grid { width_ms: 300_000 },
        counts: buckets.map(|bucket| (bucket, vec![counts.clone(), counts.clone()])).collect(),
        same_series: Vec::new(),
        edges: Edges::default(),
        listed: None,
    }
}

#[test]
fn a_selector_is_known_whatever_the_order_of_its_matchers() {
    let (one, other) = (matcher("a", "1"), matcher("b", "2"));
    let coverage = Coverage::default();
    coverage.learn_from_merge(&[one.clone(), other.clone()], (0, 1_000), 2, 500);
    let expected = Estimate { series: 2, samples: 1_000 };
    assert_eq!(coverage.estimate(&[other, one], (0, 2_000)), Some(expected));
}

#[test]
fn what_matches_more_bounds_what_matches_less_and_not_the_other_way_round() {
    let (name, job) = (matcher("__name__", "x"), matcher("job", "a"));
    let coverage = Coverage::default();
    coverage.learn_from_merge(std::slice::from_ref(&name), (0, 1_000), 10, 1_000);
    let both = [name.clone(), job.clone()];
    assert_eq!(coverage.estimate(&both, (0, 1_000)).map(|one| one.samples), Some(1_000));
    assert_eq!(coverage.estimate(&[job], (0, 1_000)), None);
    coverage.learn_from_merge(&both, (0, 1_000), 1, 100);
    assert_eq!(coverage.estimate(&both, (0, 1_000)).map(|one| one.samples), Some(100));
    assert_eq!(coverage.estimate(&[name], (0, 1_000)).map(|one| one.samples), Some(1_000));
}

#[test]
fn facts_are_forgotten_after_an_hour() {
    let coverage = Coverage::default();
    let (name, grid) = ([matcher("__name__", "x")], Grid { width_ms: 300_000 });
    let now = Instant::now();
    coverage.learn(&name, learned(1..5), None, now);
    let known = |now| coverage.known(&name, grid, now).facts.counts.len();
    assert_eq!(known(now + LIFETIME), 4);
    assert_eq!(known(now + LIFETIME + Duration::from_secs(1)), 0);
    assert_eq!(coverage.known(&name, Grid { width_ms: 600_000 }, now).facts.counts.len(), 0);
}

#[test]
fn what_was_not_used_longest_goes_first_and_memory_is_bounded() {
    let coverage = Coverage::new(40_000);
    let now = Instant::now();
    let selector = |number: usize| [matcher("__name__", &format!("m{number}"))];
    let grid = Grid { width_ms: 300_000 };
    for number in 0..100 {
        coverage.learn(&selector(number), learned(0..20), None, now);
        coverage.known(&selector(0), grid, now);
    }
    let kept = |number| !coverage.known(&selector(number), grid, now).facts.counts.is_empty();
    assert!(kept(0) && kept(99) && !kept(1));
    let store = lock(&coverage.store);
    assert!(store.bytes <= 40_000 && store.entries.len() > 1, "{}", store.bytes);
    assert_eq!(store.bytes, store.entries.values().map(|entry| entry.bytes).sum::<usize>());
}

#[test]
fn a_wider_selector_serves_where_all_its_buckets_are_known() {
    let coverage = Coverage::default();
    let (name, job) = (matcher("__name__", "x"), matcher("job", "a"));
    let (grid, now) = (Grid { width_ms: 300_000 }, Instant::now());
    coverage.learn(std::slice::from_ref(&name), learned(1..5), None, now);
    let both = [job, name.clone()];
    assert_eq!(coverage.wider(&both, grid, (1, 4), now), Some(vec![name.clone()]));
    assert_eq!(coverage.wider(&both, grid, (1, 5), now), None);
    // At the edge of the present nothing is settled: the range ends before it begins.
    assert_eq!(coverage.wider(&both, grid, (5, 4), now), None);
    assert_eq!(coverage.wider(&[name], grid, (1, 4), now), None);
}
