//! A shadow counts what differs, and cannot hurt.

use std::sync::atomic::{AtomicU64, Ordering};

use promql::{Labels, SeriesBatch};

use super::*;
use crate::policy::{Settings, merge};

const STEP: i64 = 15_000;

fn native(settings: &str) -> Arc<Binding> {
    Arc::new(Binding::native(Settings::from_json(settings).expect("valid")))
}

fn pool() -> Arc<Pool> {
    Pool::start(Bounds::default()).expect("a thread")
}

/// Two replicas of a series, from `start` on; the first misses two scrapes.
fn entry(start: i64) -> Arc<Entry> {
    let replica = |holed: bool| {
        let mut batch = SeriesBatch::new();
        for scrape in (0..8).filter(|own| !holed || !(3..5).contains(own)) {
            batch.push_float(start + scrape * STEP, 1.0);
        }
        batch.finish_series(Labels::from_pairs([("__name__", "up")]));
        batch
    };
    Arc::new(Entry::of(vec![replica(true), replica(false)]))
}

/// As a query does it.
fn query(shadow: &Arc<Shadow>, active: &Binding, entry: &Arc<Entry>) {
    let mut merged = merge(active, &entry.views(), &entry.options());
    shadow.observe(Arc::clone(entry), Answered::of(&mut merged, 7));
}

#[test]
fn differences_add_up_over_queries() {
    let (pool, active) = (pool(), native(""));
    let heard = Arc::new(AtomicU64::new(0));
    let hears = Arc::clone(&heard);
    let listener = move |event: Event<'_>| {
        if let Event::Compared(comparison) = event {
            hears.fetch_add(comparison.samples_only_active, Ordering::Relaxed);
        }
    };
    let shadow = Shadow::new(native(r#"{"rule":"first"}"#), &pool, Box::new(listener));
    for number in 0..20 {
        query(&shadow, &active, &entry(number * STEP));
    }
    pool.settle(Duration::from_secs(60));
    let report = shadow.report();
    assert_eq!((report.comparison.merges, report.comparison.series_differing), (20, 20));
    assert_eq!(report.comparison.samples_only_active, 40);
    assert_eq!(heard.load(Ordering::Relaxed), 40);
    assert_eq!(report.comparison.active.nanoseconds, 140);
    assert_eq!((report.dropped, report.parked), (0, false));
    let newest = report.comparison.examples.last().expect("some").time_ms;
    assert_eq!(newest, (19 + 4) * STEP, "the newest examples are kept");
    assert_eq!(report.comparison.examples.len(), MAX_EXAMPLES);
    let json = serde_json::to_value(&report).expect("plain data");
    assert_eq!((&json["merges"], &json["dropped"]), (&20.into(), &0.into()));
    assert_eq!(serde_json::from_value::<Report>(json).expect("its own"), report);
}

#[test]
fn what_exceeds_the_queue_is_dropped_and_the_query_goes_on() {
    let pool = Pool::start(Bounds { entries: 4, bytes: 1 }).expect("a thread");
    let active = native("");
    let shadow = Shadow::new(native(""), &pool, Box::new(|_| {}));
    for _ in 0..5 {
        query(&shadow, &active, &entry(0));
    }
    pool.settle(Duration::from_secs(60));
    let report = shadow.report();
    assert_eq!((report.comparison.merges, report.dropped), (0, 5));
    assert!(report.to_string().contains("not compared 5 merges"), "{report}");
}

#[test]
fn work_of_a_shadow_that_is_gone_is_forgotten() {
    let (pool, active) = (pool(), native(""));
    let candidate = native("");
    let shadow = Shadow::new(Arc::clone(&candidate), &pool, Box::new(|_| {}));
    query(&shadow, &active, &entry(0));
    drop(shadow);
    pool.settle(Duration::from_secs(60));
    assert_eq!(Arc::strong_count(&candidate), 1);
}
