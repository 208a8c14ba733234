//! What dashboard queries cost in each mode: requests and bytes as forwarders
//! in front of the replicas count them, and wall time.
//!
//! `make bench-pushdown` prints the table for two thousand series over six
//! hours; without `--bench` a small fleet shows that it works.

use std::env;
use std::io::{self, Write};
use std::time::Duration;

use e2e::cost::{Cost, DASHBOARD, Estate, Hole, Size};
use e2e::forward::Traffic;
use e2e::modes::Mode;
use e2e::prometheus;

/// How often each query is asked, of a proxy that knows nothing and of one
/// that has been asked before.
const ROUNDS: usize = 5;

/// A column of the report.
#[derive(Clone, Copy)]
struct Column {
    mode: Mode,
    /// Asked before, by the same proxy.
    warm: bool,
}

/// The columns that are right with such holes.
fn columns(hole: Hole) -> Vec<Column> {
    let cold = |mode| Column { mode, warm: false };
    let warm = |mode| Column { mode, warm: true };
    let mut columns = vec![cold(Mode::Default), warm(Mode::Default)];
    if Mode::are_several() {
        columns.insert(0, warm(Mode::Never));
    }
    if Mode::right(hole == Hole::None).contains(&Mode::Always) {
        columns.push(warm(Mode::Always));
    }
    columns
}

impl Column {
    fn name(self) -> String {
        format!("{:?} {}", self.mode, if self.warm { "warm" } else { "cold" })
    }

    /// The cost by each of the medians: traffic of the last round.
    fn measure(self, estate: &Estate, query: &str, rounds: usize) -> Cost {
        let question = estate.question(query);
        let mut proxy = estate.proxy(self.mode);
        if self.warm {
            let _first = estate.cost(&proxy, &question);
        }
        let mut costs = Vec::new();
        for _ in 0..rounds {
            if !self.warm {
                proxy = estate.proxy(self.mode);
            }
            costs.push(estate.cost(&proxy, &question));
        }
        let difference = question.difference(estate.whole.client, proxy.client);
        assert_eq!(difference, None, "{}", self.name());
        costs.sort_by_key(|cost| cost.time);
        costs[costs.len() / 2]
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// What is measured, on what.
struct Bench {
    estate: Estate,
    columns: Vec<Column>,
    rounds: usize,
}

impl Bench {
    /// A query's line in each column, and how auto compares.
    fn report(&self, query: &str, out: &mut impl Write) -> io::Result<()> {
        let measure = |column: &Column| column.measure(&self.estate, query, self.rounds);
        let costs: Vec<Cost> = self.columns.iter().map(measure).collect();
        writeln!(out, "\n{query}")?;
        for (column, cost) in self.columns.iter().zip(&costs) {
            let Traffic { requests, received, .. } = cost.traffic;
            let share = 100.0 * received as f64 / costs[0].traffic.received.max(1) as f64;
            let (name, time) = (column.name(), milliseconds(cost.time));
            writeln!(
                out,
                "  {name:<14} {requests:>4} requests {received:>12} bytes ({share:>6.2} % of the first line) {time:>9.1} ms",
            )?;
        }
        let time = |mode, warm| {
            let found = self.columns.iter().position(|own| (own.mode, own.warm) == (mode, warm))?;
            Some(milliseconds(costs[found].time))
        };
        if let (Some(never), Some(always)) = (time(Mode::Never, true), time(Mode::Always, true)) {
            for (name, warm) in [("cold", false), ("warm", true)] {
                let auto = time(Mode::Default, warm).unwrap_or(f64::NAN) / never.min(always);
                writeln!(out, "  auto {name}: {auto:.2} times the better of never and always")?;
            }
        }
        Ok(())
    }
}

fn main() -> io::Result<()> {
    if !prometheus::available() {
        return Ok(());
    }
    let bench = env::args().any(|argument| argument == "--bench");
    let (size, rounds) = if bench { (Size::FULL, ROUNDS) } else { (Size::SMALL, 1) };
    let mut out = io::stdout().lock();
    for hole in [Hole::None, Hole::Each] {
        writeln!(out, "\n=== {size:?}, holes: {hole:?}; medians of {rounds}")?;
        let bench = Bench { estate: Estate::start(size, hole), columns: columns(hole), rounds };
        for query in DASHBOARD {
            bench.report(query, &mut out)?;
        }
    }
    Ok(())
}
