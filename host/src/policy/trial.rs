//! A few small batches that every policy must plan before it is bound.
//!
//! The answers are checked like those of a query; they are not compared with
//! any rule.

use guest_merge::Terms;

use super::columns::Columns;
use super::guest::Guest;
use super::{Fault, Kind, plan};

/// Timelines of the replicas of one series each.
const SERIES: [[&[i64]; 3]; 6] = [
    [&[], &[], &[]],
    [&[1000], &[1000], &[1500]],
    [&[1000, 16_000, 31_000], &[1000, 16_000, 31_000], &[]],
    [&[0, 15_000, 60_000], &[7000, 22_000, 37_000, 52_000], &[30_000]],
    [&[], &[], &[-5000, 0, 5000]],
    [&[90_000], &[0, 15_000, 30_000], &[45_000, 60_000]],
];

/// Plans the batches with every number of replicas.
///
/// # Errors
/// The first fault.
pub(super) fn run(guest: &mut Guest, terms: &Terms) -> Result<(), Fault> {
    for replicas in 1..=3 {
        let columns = columns(replicas, terms.needs_samples);
        let answer = guest.plan(&columns)?;
        plan::check(&answer, &columns, terms.may_synthesise)?;
    }
    Ok(())
}

fn columns(replicas: usize, with_values: bool) -> Columns {
    let mut columns = Columns { replicas, offsets: vec![0], ..Columns::default() };
    let kinds = [Kind::Unknown, Kind::Counter, Kind::Gauge, Kind::Histogram];
    for (series, kind) in SERIES.iter().zip(kinds.iter().cycle()) {
        columns.kinds.push(*kind);
        for times in &series[..replicas] {
            columns.timestamps.extend_from_slice(times);
            let end = u32::try_from(columns.timestamps.len());
            columns.offsets.push(end.expect("a few samples"));
        }
    }
    if with_values {
        let value = |index: usize| (index as f64).to_bits();
        columns.values = (0..columns.timestamps.len()).map(value).collect();
    }
    columns
}
