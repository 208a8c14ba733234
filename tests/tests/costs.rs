//! What a query may cost, as forwarders in front of the replicas count it.
//!
//! Times are `make bench-pushdown`'s to report; requests and bytes are the
//! same on every machine.

use e2e::cost::{DASHBOARD, Estate, Hole, Size};
use e2e::modes::Mode;
use e2e::prometheus;

/// The sum of rates over all series: what push-down is for.
const SUM: &str = DASHBOARD[0];

#[test]
fn a_sum_over_whole_replicas_moves_less_than_a_fiftieth_of_the_bytes_of_raw() {
    if !prometheus::available() || !Mode::are_several() {
        return;
    }
    let estate = Estate::start(Size::FULL, Hole::None);
    let question = estate.question(SUM);
    let raw = estate.cost(&estate.proxy(Mode::Never), &question).traffic;
    let proxy = estate.proxy(Mode::Default);
    let cold = estate.cost(&proxy, &question).traffic;
    let warm = estate.cost(&proxy, &question).traffic;
    assert_eq!(question.difference(estate.whole.client, proxy.client), None);
    for (name, pushed) in [("cold", cold), ("warm", warm)] {
        assert!(50 * pushed.received < raw.received, "{name}: {pushed:?} of {raw:?}");
    }
    // One pushed request for each of the two groups, and a look at the newest
    // samples at most.
    assert!(warm.requests <= 2 + 4, "{warm:?}");
}

#[test]
fn what_was_read_raw_is_asked_for_as_values_when_it_comes_again() {
    if !prometheus::available() || !Mode::are_several() {
        return;
    }
    let estate = Estate::start(Size { instances: 100, handlers: 1, ..Size::FULL }, Hole::None);
    let question = estate.question(DASHBOARD[0]);
    let proxy = estate.proxy(Mode::Default);
    let first = estate.cost(&proxy, &question).traffic;
    // What is found out when a query is over takes a moment.
    let mut later = (0..600).map(|_| estate.cost(&proxy, &question).traffic);
    let pushed = later.find(|cost| cost.requests == 2);
    let pushed = pushed.expect("a request for each group, in the end");
    assert!(2 * pushed.received < first.received, "{pushed:?} after {first:?}");
    assert_eq!(question.difference(estate.whole.client, proxy.client), None);
}

#[test]
fn stretches_between_holes_that_are_small_are_read_raw() {
    if !prometheus::available() || !Mode::are_several() {
        return;
    }
    let estate = Estate::start(Size { instances: 100, handlers: 1, ..Size::FULL }, Hole::Each);
    let proxy = estate.proxy(Mode::Default);
    let question = estate.question(DASHBOARD[0]);
    assert_eq!(question.difference(estate.whole.client, proxy.client), None);
    // What is found out when a query is over takes a moment.
    let explained = estate.question(DASHBOARD[0]).with("explain", "1");
    let reason = "few raw samples in each stretch between the holes";
    let found = (0..600).any(|_| explained.ask(proxy.client).text().contains(reason));
    assert!(found, "{}", explained.ask(proxy.client).text());
    assert_eq!(question.difference(estate.whole.client, proxy.client), None);
}

#[test]
fn with_a_hole_in_each_replica_a_sum_is_still_the_truth() {
    if !prometheus::available() {
        return;
    }
    let size = Size { instances: 40, ..Size::FULL };
    let estate = Estate::start(size, Hole::Each);
    for mode in [Mode::Default, Mode::raw()] {
        let proxy = estate.proxy(mode);
        for query in DASHBOARD {
            let question = estate.question(query);
            // Again, with what has been learned.
            for _ in 0..2 {
                assert_eq!(
                    question.difference(estate.whole.client, proxy.client),
                    None,
                    "{mode:?}"
                );
            }
        }
    }
}
