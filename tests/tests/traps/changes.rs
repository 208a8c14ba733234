//! What is known of replicas may be too old, or too little.

use e2e::compare::{Question, assert_same};
use e2e::data::Series;
use e2e::fleet::{INTERVAL_MS, PAST_MS};
use e2e::modes::Mode;
use e2e::prometheus::{self, Prometheus};
use e2e::proxy::{Group, Proxy};

use crate::{MINUTE, SECOND};

/// A server with a series per instance, a sample each quarter of a minute.
fn steady(instances: &[&str], from_ms: i64, to_ms: i64) -> Vec<Series> {
    let series = |instance: &&str| {
        let samples = (from_ms..=to_ms).step_by(15_000).map(|time| (time, (time % 1_009) as f64));
        Series::floats(&[("__name__", "steady"), ("instance", instance)], samples)
    };
    instances.iter().map(series).collect()
}

/// The whole server and two replicas, and a proxy of each mode for whole
/// replicas but the one that never looks.
fn pair() -> (Prometheus, [Prometheus; 2], Vec<Proxy>) {
    let (whole, replicas) = (Prometheus::start(), [Prometheus::start(), Prometheus::start()]);
    let targets = replicas.each_ref().map(Prometheus::target);
    let proxy = |mode: Mode| {
        let group = Group::new(&targets).label("site", "here");
        Proxy::builder().group(mode.configure(group)).start()
    };
    let proxies = Mode::right(false).into_iter().map(proxy).collect();
    (whole, replicas, proxies)
}

fn written(server: &Prometheus, series: &[Series]) {
    let labels = e2e::data::label_set(&[("site", "here")]);
    let series: Vec<Series> = series.iter().map(|one| one.clone().with_labels(&labels)).collect();
    server.write(&series);
}

fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(now.expect("after 1970").as_millis()).expect("before 292 million")
}

#[test]
fn samples_that_arrive_late_at_the_recent_edge_are_seen() {
    if !prometheus::available() {
        return;
    }
    let (whole, [first, second], proxies) = pair();
    let end = now_ms() / INTERVAL_MS * INTERVAL_MS;
    let start = end - 120 * MINUTE;
    let all = steady(&["a", "b", "c"], start, end);
    // The first replica has all but the last five minutes.
    let early = |series: &[Series]| -> Vec<Series> {
        series.iter().map(|series| series.slice(0, end - 5 * MINUTE)).collect()
    };
    first.write(&early(&all));
    second.write(&early(&all));
    written(&whole, &early(&all));
    let questions = [
        Question::range("sum(steady)", start, end, MINUTE),
        Question::range("sum(count_over_time(steady[10m]))", start, end, MINUTE),
        Question::instant("max(steady)", end),
    ];
    let ask = || proxies.iter().for_each(|p| assert_same(whole.client, p.client, &questions));
    ask();
    let late: Vec<Series> =
        all.iter().map(|series| series.slice(end - 5 * MINUTE, i64::MAX)).collect();
    second.write(&late);
    written(&whole, &late);
    ask();
    first.write(&late);
    ask();
}

#[test]
fn a_series_that_appears_later_is_seen() {
    if !prometheus::available() {
        return;
    }
    let (whole, replicas, proxies) = pair();
    let now = now_ms() / INTERVAL_MS * INTERVAL_MS;
    let (start, end) = (now - 120 * MINUTE, now - 4 * MINUTE);
    let ask = |queries: &[Question]| {
        proxies.iter().for_each(|proxy| assert_same(whole.client, proxy.client, queries));
    };
    let known = steady(&["a", "b"], start, end);
    replicas.iter().for_each(|server| server.write(&known));
    written(&whole, &known);
    ask(&[
        Question::range("sum(steady)", start, end, MINUTE),
        Question::range("count by (site) (steady)", start, end, MINUTE),
    ]);
    let later = steady(&["a", "b", "c"], end + INTERVAL_MS, now);
    replicas.iter().for_each(|server| server.write(&later));
    written(&whole, &later);
    ask(&[
        Question::range("sum(steady)", start, now, MINUTE),
        Question::range("count by (site) (steady)", start, now, MINUTE),
        Question::range("max by (instance) (max_over_time(steady[10m]))", start, now, MINUTE),
        Question::instant("count(count_over_time(steady[2m]))", now),
    ]);
}

#[test]
fn a_series_that_only_one_replica_knows_is_not_lost() {
    if !prometheus::available() {
        return;
    }
    for knowing in [0, 1] {
        let (whole, replicas, proxies) = pair();
        let (start, end) = (PAST_MS, PAST_MS + 120 * MINUTE);
        let (shared, alone) = (steady(&["a", "b"], start, end), steady(&["c"], start, end));
        replicas.iter().for_each(|server| server.write(&shared));
        replicas[knowing].write(&alone);
        written(&whole, &shared);
        written(&whole, &alone);
        let questions = [
            Question::range("sum(steady)", start, end, MINUTE),
            Question::range("count by (site) (steady)", start, end, MINUTE),
            Question::range("sum(rate(steady[5m]))", start, end, MINUTE).close(),
            Question::instant("count(steady)", end),
            Question::range(r#"sum(steady{instance="c"})"#, start, end, MINUTE),
        ];
        proxies.iter().for_each(|p| assert_same(whole.client, p.client, &questions));
    }
}

#[test]
fn holes_that_cancel_in_number_are_still_holes() {
    if !prometheus::available() {
        return;
    }
    let (whole, replicas, proxies) = pair();
    let (start, end) = (PAST_MS, PAST_MS + 180 * MINUTE);
    let all = steady(&["a", "b", "c", "d"], start, end);
    // Each replica misses as many samples as the other, of other series; and
    // once the same series at different moments of the same minutes.
    let misses = |replica: usize, series: usize, time: i64| {
        let minute = (time - start) / MINUTE;
        let crossed = (60..63).contains(&minute) && series % 2 == replica;
        let scrape = (time - start) / INTERVAL_MS;
        let shifted = series == 0 && [400, 404][replica] == scrape;
        crossed || shifted
    };
    for (replica, server) in replicas.iter().enumerate() {
        let mut held = all.clone();
        for (series, one) in held.iter_mut().enumerate() {
            one.samples.retain(|(time, _)| !misses(replica, series, *time));
        }
        server.write(&held);
    }
    written(&whole, &all);
    let questions = [
        Question::range("sum(count_over_time(steady[5m]))", start, end, MINUTE),
        Question::range("count_over_time(steady[2m])", start, end, MINUTE),
        Question::range("sum(rate(steady[2m]))", start, end, MINUTE).close(),
        Question::range("sum(steady)", start, end, 15 * SECOND),
        Question::range("sum(changes(steady[1m]))", start, end, 30 * SECOND),
    ];
    proxies.iter().for_each(|p| assert_same(whole.client, p.client, &questions));
}

#[test]
fn a_first_replica_that_never_has_a_target_is_filled_everywhere() {
    if !prometheus::available() {
        return;
    }
    let (whole, [first, second], proxies) = pair();
    let (start, end) = (PAST_MS, PAST_MS + 180 * MINUTE);
    let all = steady(&["a", "b", "c"], start, end);
    // One series is scraped half as often by the first replica.
    let mut sparse = all.clone();
    sparse[1].samples.retain(|(time, _)| (time - start) % (2 * INTERVAL_MS) == 0);
    sparse.remove(2);
    first.write(&sparse);
    second.write(&all);
    written(&whole, &all);
    let questions = [
        Question::range("sum(count_over_time(steady[5m]))", start, end, MINUTE),
        Question::range("count_over_time(steady[3m])", start, end, MINUTE),
        Question::range("sum(steady)", start, end, MINUTE),
    ];
    proxies.iter().for_each(|p| assert_same(whole.client, p.client, &questions));
}
