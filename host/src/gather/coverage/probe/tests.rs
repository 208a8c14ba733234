//! Probes of groups whose servers run in this process.

use promql::matcher::{MatchOp, Matcher};
use promql::{Labels, SeriesBatch};

use super::*;
use crate::gather::testing::{self, Between};
use crate::serve::Listening;
use crate::storage::Select;

const MINUTE: i64 = 60_000;

/// The present, in the past: nothing is added any more.
fn past() -> i64 {
    now_ms() / 3_600_000 * 3_600_000 - 3 * 3_600_000
}

/// Series scraped every 15 seconds, but for a hole (in minutes).
fn store(start: i64, minutes: i64, offset: i64, hole: std::ops::Range<i64>) -> SeriesBatch {
    let mut batch = SeriesBatch::new();
    for instance in 0..20 {
        for scrape in 0..minutes * 4 {
            if !hole.contains(&(scrape / 4)) {
                batch.push_float(start + offset + scrape * 15_000, (scrape * instance) as f64);
            }
        }
        let instance = instance.to_string();
        batch.finish_series(Labels::from_pairs([("__name__", "x_total"), ("instance", &instance)]));
    }
    batch
}

struct Pair {
    group: Group,
    between: Vec<Between>,
    _servers: Vec<Listening>,
}

async fn pair(stores: &[SeriesBatch]) -> Pair {
    let (mut servers, mut between) = (Vec::new(), Vec::new());
    for store in stores {
        let server = testing::prometheus(store).await;
        between.push(Between::transparent(server.address).await);
        servers.push(server);
    }
    let addresses: Vec<_> = between.iter().map(|one| one.address).collect();
    Pair { group: testing::group(&addresses, Labels::empty()), between, _servers: servers }
}

impl Pair {
    fn requests(&self) -> usize {
        self.between.iter().map(|one| one.queries().len()).sum()
    }
}

fn selector() -> Vec<Matcher> {
    vec![Matcher::new("__name__", MatchOp::Equal, "x_total").expect("valid")]
}

#[tokio::test]
async fn whole_replicas_cost_a_few_small_requests_once() {
    let start = past() - 240 * MINUTE;
    let stores = [store(start, 240, 0, 0..0), store(start, 240, 7_000, 0..0)];
    let pair = pair(&stores).await;
    let window = (start + 20 * MINUTE, start + 200 * MINUTE);
    let context = testing::context();
    let found = pair.group.wholeness(&context, &selector(), window).await;
    assert_eq!(found.stretches, [(window.0, window.1, 0)]);
    assert_eq!(found.listing.expect("listed").len(), 20);
    assert_eq!((found.requests, pair.requests()), (4, 4), "{:?}", pair.between[0].queries());
    // The past does not change.
    let narrower = (window.0 + MINUTE, window.1);
    let again = pair.group.wholeness(&context, &selector(), narrower).await;
    assert_eq!(again.stretches, [(narrower.0, narrower.1, 0)]);
    assert_eq!((again.requests, pair.requests()), (0, 4));
    // A selector that matches less is part of what is whole.
    let mut less = selector();
    less.push(Matcher::new("instance", MatchOp::Equal, "3").expect("valid"));
    let part = pair.group.wholeness(&context, &less, window).await;
    assert_eq!((part.stretches, pair.requests()), (vec![(window.0, window.1, 0)], 4));
    let estimate = pair.group.coverage.estimate(&selector(), window).expect("known");
    assert_eq!((estimate.series, estimate.samples), (20, 2 * 20 * 180 * 4));
}

#[tokio::test]
async fn a_hole_is_left_open_and_the_rest_is_claimed() {
    let start = past() - 240 * MINUTE;
    let stores = [store(start, 240, 0, 100..103), store(start, 240, 7_000, 150..155)];
    let pair = pair(&stores).await;
    let window = (start + 20 * MINUTE, start + 200 * MINUTE);
    let found = pair.group.wholeness(&testing::context(), &selector(), window).await;
    let [(from, a, 0), (b, to, 0)] = found.stretches[..] else { panic!("{:?}", found.stretches) };
    assert_eq!((from, to), window);
    assert!(a < start + 100 * MINUTE && b > start + 103 * MINUTE);
}

#[tokio::test]
async fn series_that_come_and_go_are_looked_at_one_by_one() {
    let start = past() - 240 * MINUTE;
    let with_another = |offset: i64| {
        let mut batch = store(start, 240, offset, 0..0);
        for scrape in 400..960_i64 {
            batch.push_float(start + offset + scrape * 15_000, 1.0);
        }
        batch.finish_series(Labels::from_pairs([("__name__", "x_total"), ("instance", "new")]));
        batch
    };
    let pair = pair(&[with_another(0), with_another(7_000)]).await;
    let window = (start + 20 * MINUTE, start + 200 * MINUTE);
    let context = testing::context();
    let found = pair.group.wholeness(&context, &selector(), window).await;
    let [(from, _, 0), (_, to, 0)] = found.stretches[..] else { panic!("{:?}", found.stretches) };
    assert_eq!((from, to), window);
    // Of one row of buckets the first and the last.
    assert_eq!(found.requests, 8);
    let again = pair.group.wholeness(&context, &selector(), window).await;
    assert_eq!((again.stretches, again.requests), (found.stretches, 0));
}

#[tokio::test]
async fn at_the_present_only_what_is_new_is_asked() {
    let now = now_ms();
    let start = now / 15_000 * 15_000 - 240 * MINUTE;
    // Aligned: the present is whole, too.
    let stores = [store(start, 241, -500, 0..0), store(start, 241, -500, 0..0)];
    let pair = pair(&stores).await;
    let window = (start + 60 * MINUTE, now);
    let context = testing::context();
    let found = pair.group.wholeness(&context, &selector(), window).await;
    assert_eq!(found.stretches, [(window.0, window.1, 0)]);
    assert_eq!(found.requests, 6);
    let again = pair.group.wholeness(&context, &selector(), window).await;
    assert_eq!(again.stretches, [(window.0, window.1, 0)]);
    // Counts of the newest buckets and of the present, no listing.
    assert_eq!(again.requests, 4);
}

#[tokio::test]
async fn where_data_begins_and_ends_is_asked_once() {
    let (start, end) = (past() - 240 * MINUTE, past() - 15_000);
    // Not with a bucket.
    let stores = [store(start, 240, 0, 0..3), store(start, 240, 0, 0..3)];
    let first_missed = store(start, 240, 0, 0..4);
    let window = (start - 30 * MINUTE, end);
    let context = testing::context();
    let both = pair(&stores).await;
    let found = both.group.wholeness(&context, &selector(), window).await;
    assert_eq!(found.stretches, [(window.0, window.1, 0)], "{:?}", both.between[0].queries());
    // Each replica: counts, series, the end, the first moment, what follows.
    assert_eq!((found.requests, both.requests()), (10, 10));
    let again = both.group.wholeness(&context, &selector(), window).await;
    assert_eq!((again.stretches, again.requests), (found.stretches, 0));
    // A replica that began later.
    let later = pair(&[first_missed, stores[0].clone()]).await;
    let found = later.group.wholeness(&context, &selector(), window).await;
    let [.., (from, to, 0)] = found.stretches[..] else { panic!("{:?}", found.stretches) };
    assert!(from > start + 4 * MINUTE && to == end, "{:?}", found.stretches);
    assert_eq!(found.requests, 8);
    let again = later.group.wholeness(&context, &selector(), window).await;
    assert_eq!((again.stretches, again.requests), (found.stretches, 0));
}

#[tokio::test]
async fn what_is_settled_is_listed_once() {
    let start = past() - 240 * MINUTE;
    let stores = [store(start, 240, 0, 0..0), store(start, 240, 0, 0..0)];
    let context = testing::context();
    let window = (start + 20 * MINUTE, start + 200 * MINUTE);
    for replicas in [1, 2] {
        let some = pair(&stores[..replicas]).await;
        for _ in 0..2 {
            let listing = some.group.listing(&context, &selector(), window).await;
            assert_eq!(listing.expect("listed").len(), 20);
            assert_eq!(some.requests(), replicas);
        }
        // What is new is not, and only that is asked for.
        let listing = some.group.listing(&context, &selector(), (window.0, now_ms())).await;
        assert_eq!((listing.expect("listed").len(), some.requests()), (20, 2 * replicas));
    }
    // A probe for holes takes it over: counts only.
    let both = pair(&stores).await;
    both.group.listing(&context, &selector(), window).await.expect("listed");
    let found = both.group.wholeness(&context, &selector(), window).await;
    assert_eq!((found.stretches, found.requests), (vec![(window.0, window.1, 0)], 2));
}

#[tokio::test]
async fn a_replica_without_an_answer_leaves_all_open_and_is_left_alone_for_a_while() {
    let start = past() - 240 * MINUTE;
    let stores = [store(start, 240, 0, 0..0), store(start, 240, 7_000, 0..0)];
    let pair = pair(&stores).await;
    let refusing = testing::prometheus(&SeriesBatch::new()).await;
    let broken = Between::start(
        refusing.address,
        Box::new(|_, _| Some((500, "no".to_owned()))),
        Box::new(|_, body| body),
    )
    .await;
    let group = testing::group(&[pair.between[0].address, broken.address], Labels::empty());
    let window = (start + 20 * MINUTE, start + 200 * MINUTE);
    let context = testing::context();
    assert!(group.wholeness(&context, &selector(), window).await.stretches.is_empty());
    let before = pair.requests();
    assert!(group.wholeness(&context, &selector(), window).await.stretches.is_empty());
    assert_eq!(pair.requests(), before);
}

#[tokio::test]
async fn what_several_want_to_know_at_once_is_asked_once() {
    let start = past() - 240 * MINUTE;
    let stores = [store(start, 240, 0, 0..0), store(start, 240, 7_000, 0..0)];
    let pair = pair(&stores).await;
    let window = (start + 20 * MINUTE, start + 200 * MINUTE);
    let (context, selector) = (testing::context(), selector());
    assert!(!pair.group.is_familiar(&context, &selector, window));
    let all = (0..5).map(|_| pair.group.wholeness(&context, &selector, window));
    for found in futures_util::future::join_all(all).await {
        assert_eq!(found.stretches, [(window.0, window.1, 0)]);
    }
    assert_eq!(pair.requests(), 4);
    assert!(pair.group.is_familiar(&context, &selector, window));
    assert_eq!(pair.group.coverage.expected(&selector), Expected::Whole(0));
}

#[tokio::test]
async fn series_are_counted_by_one_replica_and_only_as_far_as_it_matters() {
    let start = past() - 240 * MINUTE;
    let stores = [store(start, 240, 0, 0..0), store(start, 240, 7_000, 0..0)];
    let pair = pair(&stores).await;
    let window = (start, start + 200 * MINUTE);
    let context = testing::context();
    for (most, expected) in [(50, 20), (20, 20), (7, 8)] {
        let counted = pair.group.count_series(&context, &selector(), window, most).await;
        assert_eq!(counted, Some(expected), "up to {most}");
    }
    assert_eq!((pair.between[0].queries().len(), pair.between[1].queries().len()), (3, 0));
}

#[tokio::test]
async fn one_replica_is_whole_without_a_question() {
    let start = past();
    let pair = pair(&[store(start, 5, 0, 0..0)]).await;
    let found = pair.group.wholeness(&testing::context(), &selector(), (start, start + 1)).await;
    assert_eq!((found.stretches, pair.requests()), (vec![(start, start + 1, 0)], 0));
    let listing =
        pair.group.listing(&testing::context(), &selector(), (start, start + MINUTE)).await;
    assert_eq!(listing.expect("listed").len(), 20);
}

#[tokio::test]
async fn a_merge_teaches_how_much_there_is() {
    let start = past() - 60 * MINUTE;
    let pair = pair(&[store(start, 60, 0, 0..0), store(start, 60, 7_000, 0..0)]).await;
    let window = (start, start + 60 * MINUTE - 1);
    let select =
        Select { matchers: selector(), start_ms: window.0, end_ms: window.1, lookups: None };
    assert_eq!(pair.group.coverage.estimate(&selector(), window), None);
    pair.group.select(&testing::context(), &[select]).await.expect("answers");
    let estimate = pair.group.coverage.estimate(&selector(), window).expect("known");
    assert_eq!(estimate.series, 20);
    // The policy looks further than the window, where there is nothing.
    assert!((6_000..=9_600).contains(&estimate.samples), "{estimate:?}");
}
