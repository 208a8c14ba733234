//! Replicas whose only fault lies in what they are asked to compute or to
//! list. The answer is that of the samples all the same, with the warnings
//! that raw samples bring.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use e2e::compare::{Question, assert_same};
use e2e::data::{Series, hash};
use e2e::faulty::{Fault, FaultyServer, SELECTIVE};
use e2e::fleet::{INTERVAL_MS, PAST_MS};
use e2e::modes::Mode;
use e2e::prometheus::{self, Prometheus};
use e2e::proxy::{Group, Proxy};
use e2e::serve::Received;

/// Length of the data.
const WINDOW_MS: i64 = 3 * 3_600_000;
/// Within this time a query must be answered; groups have a timeout of a
/// second, and several stages may each wait for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server with counters over some hours.
fn healthy() -> Prometheus {
    let server = Prometheus::start();
    let series = |instance: u64| {
        let job = ["api", "db"][(instance % 2) as usize];
        let name = format!("host-{instance}:9100");
        let labels = [("__name__", "requests_total"), ("job", job), ("instance", name.as_str())];
        let mut count = 0;
        let samples = (0..=WINDOW_MS / INTERVAL_MS).map(move |number| {
            count += hash(&[instance, number.unsigned_abs()]) % 50;
            (PAST_MS + number * INTERVAL_MS, count as f64)
        });
        Series::floats(&labels, samples.collect::<Vec<_>>())
    };
    server.write(&(0..12).map(series).collect::<Vec<_>>());
    server
}

/// Queries that are worth pushing down, and one that is not.
fn questions() -> Vec<Question> {
    let end = PAST_MS + WINDOW_MS;
    let range = |query: &str| Question::range(query, PAST_MS, end, 60_000);
    vec![
        range("sum by (job) (rate(requests_total[5m]))").close(),
        Question::instant("max by (job) (requests_total)", end - 1_000),
        range("topk(1, max_over_time(requests_total[10m]))"),
        range("requests_total"),
    ]
}

/// True for a request to compute something: raw samples are asked for by
/// selectors alone.
fn computes(request: &Received) -> bool {
    let path = request.path.as_str();
    let query = request.parameter("query").unwrap_or_default();
    (path.ends_with("/query") || path.ends_with("/query_range")) && query.contains('(')
}

fn lists(request: &Received) -> bool {
    request.path.ends_with("/series")
}

fn proxy(targets: &[String], mode: Mode, remote_read: bool) -> Proxy {
    let group = mode.configure(Group::new(targets).set("timeout", "1s"));
    Proxy::builder().group(group.set("remote_read", remote_read)).start()
}

/// An answer's warnings, without the addresses of replicas.
fn warnings(question: &Question, proxy: &Proxy, targets: &[String]) -> BTreeSet<String> {
    let answer = question.ask(proxy.client).json();
    let texts = answer["warnings"].as_array().into_iter().flatten();
    let unnamed = |text: &serde_json::Value| {
        let text = text.to_string();
        targets
            .iter()
            .enumerate()
            .fold(text, |text, (index, target)| text.replace(target, &format!("replica {index}")))
    };
    texts.map(unnamed).collect()
}

/// Everything wrong with the answers of a proxy in front of `targets`, whose
/// warnings must be those of raw samples.
fn problems(healthy: &Prometheus, targets: &[String], remote_read: bool) -> Vec<String> {
    let mut problems = Vec::new();
    let raw = proxy(targets, Mode::raw(), remote_read);
    for mode in Mode::pushing() {
        let proxy = proxy(targets, mode, remote_read);
        for question in questions() {
            let start = Instant::now();
            let found = question.clone().data_only().difference(healthy.client, proxy.client);
            problems.extend(found.map(|text| format!("{mode:?}: {text}")));
            let took = start.elapsed();
            assert!(took < PATIENCE, "{mode:?}: {question:?} took {took:?}");
            let expected = warnings(&question, &raw, targets);
            let actual = warnings(&question, &proxy, targets);
            // Who is told that all replicas are equal asks one of them only: of
            // the others it cannot warn.
            let is_right = match mode {
                Mode::Always => actual.is_subset(&expected),
                _ => actual == expected,
            };
            if !is_right {
                problems.push(format!(
                    "{mode:?}: {question:?}: warnings {expected:?} became {actual:?}"
                ));
            }
        }
    }
    problems
}

/// A fault of the first replica, of the second, and of both.
fn check(affected: fn(&Received) -> bool, faults: &[Fault], remote_read: bool) {
    let healthy = healthy();
    let mut found = Vec::new();
    for &fault in faults {
        let faulty = || FaultyServer::when(affected, fault, healthy.client);
        let (one, two) = (faulty(), faulty());
        for targets in [
            [one.target(), healthy.target()],
            [healthy.target(), one.target()],
            [one.target(), two.target()],
        ] {
            let problems = problems(&healthy, &targets, remote_read);
            found.extend(problems.into_iter().map(|text| format!("{fault:?}: {text}")));
        }
    }
    assert!(found.is_empty(), "{} problems:\n{}", found.len(), found.join("\n"));
}

/// Faults that are waited for, and the others.
fn slow(fault: Fault) -> bool {
    fault == Fault::Hang
}

#[test]
fn a_replica_that_cannot_compute_is_asked_for_samples() {
    if !prometheus::available() {
        return;
    }
    let quick: Vec<Fault> = SELECTIVE.into_iter().filter(|fault| !slow(*fault)).collect();
    check(computes, &quick, true);
}

#[test]
fn a_replica_that_cannot_compute_is_asked_for_samples_without_remote_read() {
    if !prometheus::available() {
        return;
    }
    check(computes, &[Fault::RejectText, Fault::Histograms, Fault::Garbage], false);
}

#[test]
fn a_replica_that_hangs_when_it_is_asked_to_compute_costs_its_timeout() {
    if !prometheus::available() {
        return;
    }
    check(computes, &[Fault::Hang], true);
}

#[test]
fn a_replica_that_cannot_list_its_series_is_asked_for_samples() {
    if !prometheus::available() {
        return;
    }
    let quick: Vec<Fault> = SELECTIVE.into_iter().filter(|fault| !slow(*fault)).collect();
    check(lists, &quick, true);
}

#[test]
fn a_replica_that_answers_range_queries_only_with_errors_is_asked_for_samples() {
    if !prometheus::available() {
        return;
    }
    let ranges = |request: &Received| request.path.ends_with("/query_range");
    check(ranges, &[Fault::RejectText, Fault::ErrorEnvelope, Fault::Close], true);
}

#[test]
fn a_replica_that_computes_other_numbers_is_asked_for_samples() {
    if !prometheus::available() {
        return;
    }
    let healthy = healthy();
    let other = || FaultyServer::when(computes, Fault::OtherNumbers, healthy.client);
    let (one, two) = (other(), other());
    for targets in [
        vec![one.target()],
        vec![one.target(), healthy.target()],
        vec![healthy.target(), one.target()],
        vec![one.target(), two.target()],
    ] {
        for mode in Mode::right(false) {
            let proxy = proxy(&targets, mode, true);
            assert_same(healthy.client, proxy.client, &questions());
        }
    }
}

#[test]
fn a_rejected_text_is_not_sent_again() {
    if !prometheus::available() {
        return;
    }
    let healthy = healthy();
    for mode in Mode::pushing() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&asked);
        let counts = move |request: &Received| {
            let computes = computes(request);
            counting.fetch_add(usize::from(computes), Ordering::Relaxed);
            computes
        };
        let rejecting = FaultyServer::when(counts, Fault::RejectText, healthy.client);
        let proxy = proxy(&[rejecting.target(), healthy.target()], mode, true);
        assert_same(healthy.client, proxy.client, &questions());
        let before = asked.load(Ordering::Relaxed);
        assert_same(healthy.client, proxy.client, &questions());
        assert_eq!(asked.load(Ordering::Relaxed), before, "{mode:?}");
    }
}

#[test]
fn a_replica_may_die_at_any_moment_of_a_query() {
    if !prometheus::available() {
        return;
    }
    let healthy = healthy();
    let mut found = Vec::new();
    for mode in Mode::pushing() {
        for (after, first) in (0..8).flat_map(|after| [(after, true), (after, false)]) {
            let asked = AtomicUsize::new(0);
            let dies = move |_: &Received| asked.fetch_add(1, Ordering::Relaxed) >= after;
            let dying = FaultyServer::when(dies, Fault::Close, healthy.client);
            let mut targets = [dying.target(), healthy.target()];
            if !first {
                targets.reverse();
            }
            let proxy = proxy(&targets, mode, true);
            for question in questions() {
                let difference = question.data_only().difference(healthy.client, proxy.client);
                found.extend(difference.map(|text| format!("{mode:?}, {after}: {text}")));
            }
        }
    }
    assert!(found.is_empty(), "{} problems:\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_replica_that_died_is_a_warning_also_where_the_other_one_is_asked_to_compute() {
    if !prometheus::available() {
        return;
    }
    let healthy = healthy();
    let dead = FaultyServer::start(Fault::Refuse);
    let mut found = Vec::new();
    for targets in [[dead.target(), healthy.target()], [healthy.target(), dead.target()]] {
        found.extend(problems(&healthy, &targets, true));
    }
    assert!(found.is_empty(), "{} problems:\n{}", found.len(), found.join("\n"));
}
