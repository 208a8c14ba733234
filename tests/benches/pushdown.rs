//! What dashboard queries cost in each mode: requests and bytes as forwarders
//! in front of the replicas count them, and wall time.
//!
//! `make bench-pushdown` prints the table for two thousand series over six
//! hours; without `--bench` a small fleet shows that it works. Cold is the first
//! query of a proxy that has just started, warm the third: after the first one
//! a proxy finds out more, and by the second the servers have evaluated it
//! before, if it is pushed. The columns take turns, round by round, so that what
//! else the machine does hits all of them.
//! Words after `--bench` choose the queries that have one of them.

use std::env;
use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use e2e::cost::{Cost, DASHBOARD, Estate, Hole, Size};
use e2e::forward::Traffic;
use e2e::modes::Mode;
use e2e::prometheus;

/// How often each query is asked in each column.
const ROUNDS: usize = 5;
/// So long after its first query a proxy is warm: it finds out more when that
/// is over.
const WARMING: Duration = Duration::from_secs(1);

/// A column of the report.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Column {
    mode: Mode,
    /// Asked before, by the same proxy.
    warm: bool,
}

/// The columns that are right with such holes.
fn columns(hole: Hole) -> Vec<Column> {
    let equal = hole == Hole::None;
    let modes = [Mode::Never, Mode::Always, Mode::Default];
    let fits = |mode: &Mode| {
        let is_right = equal || *mode != Mode::Always;
        is_right && (Mode::are_several() || *mode == Mode::Default)
    };
    let modes = modes.into_iter().filter(fits);
    modes.flat_map(|mode| [false, true].map(|warm| Column { mode, warm })).collect()
}

impl Column {
    fn name(self) -> String {
        format!("{:?} {}", self.mode, if self.warm { "warm" } else { "cold" })
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The cost of the middle one by time.
fn median(costs: &mut [Cost]) -> Cost {
    costs.sort_by_key(|cost| cost.time);
    costs[costs.len() / 2]
}

/// What is measured, on what.
struct Bench {
    estate: Estate,
    columns: Vec<Column>,
    rounds: usize,
}

impl Bench {
    /// The cost of a query in each column: the medians.
    fn measure(&self, query: &str) -> Vec<Cost> {
        let question = self.estate.question(query);
        let mut costs = vec![Vec::new(); self.columns.len()];
        for _ in 0..self.rounds {
            for (column, costs) in self.columns.iter().zip(&mut costs) {
                let proxy = self.estate.proxy(column.mode);
                if column.warm {
                    let _first = self.estate.cost(&proxy, &question);
                    thread::sleep(WARMING);
                    let _second = self.estate.cost(&proxy, &question);
                }
                costs.push(self.estate.cost(&proxy, &question));
                if costs.len() == self.rounds {
                    let difference = question.difference(self.estate.whole.client, proxy.client);
                    assert_eq!(difference, None, "{}", column.name());
                }
            }
        }
        costs.iter_mut().map(|costs| median(costs)).collect()
    }

    /// A query's line in each column, and how auto compares.
    fn report(&self, query: &str, out: &mut impl Write) -> io::Result<()> {
        let costs = self.measure(query);
        let raw = costs[0].traffic.received.max(1) as f64;
        writeln!(out, "\n{query}")?;
        for (column, cost) in self.columns.iter().zip(&costs) {
            let Traffic { requests, received, .. } = cost.traffic;
            let share = 100.0 * received as f64 / raw;
            let (name, time) = (column.name(), milliseconds(cost.time));
            writeln!(
                out,
                "  {name:<14} {requests:>4} requests {received:>12} bytes ({share:>6.2} % of the first line) {time:>9.1} ms",
            )?;
        }
        for (name, warm) in [("cold", false), ("warm", true)] {
            let time = |mode| {
                let found = self.columns.iter().position(|own| *own == Column { mode, warm })?;
                Some(milliseconds(costs[found].time))
            };
            let others = [time(Mode::Never), time(Mode::Always)].into_iter().flatten();
            if let (Some(auto), Some(best)) = (time(Mode::Default), others.reduce(f64::min)) {
                let ratio = auto / best;
                writeln!(out, "  auto {name}: {ratio:.2} times the best of the others, as {name}")?;
            }
        }
        out.flush()
    }
}

fn main() -> io::Result<()> {
    if !prometheus::available() {
        return Ok(());
    }
    let bench = env::args().any(|argument| argument == "--bench");
    let (size, rounds) = if bench { (Size::FULL, ROUNDS) } else { (Size::SMALL, 1) };
    let words: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_chosen =
        |query: &&str| words.is_empty() || words.iter().any(|word| query.contains(word));
    let mut out = io::stdout().lock();
    for hole in [Hole::None, Hole::Each] {
        writeln!(out, "\n=== {size:?}, holes: {hole:?}; medians of {rounds} in turns")?;
        let bench = Bench { estate: Estate::start(size, hole), columns: columns(hole), rounds };
        for query in DASHBOARD.into_iter().filter(is_chosen) {
            bench.report(query, &mut out)?;
        }
    }
    Ok(())
}
