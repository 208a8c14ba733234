//! The default merge policy: which replica's samples a merged series takes.
//!
//! In come the timelines of some series as flat columns ([`Batch`]) and the
//! operator's [`Settings`]; out comes a [`Plan`] of runs to take. The host
//! links this crate natively as the rule that answers when a component fails,
//! and the same code, behind a thin adapter, is the component that promweave
//! ships. It moves no samples, keeps nothing between calls, and needs neither
//! `std` nor any import.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

#[cfg(target_family = "wasm")]
mod adapter;

mod columns;
mod settings;

mod fill;
mod greatest;
mod line;
mod penalty;
mod promxy;

#[cfg(test)]
mod tests;

pub use columns::{Batch, Malformed, Plan};
pub use settings::{AntiAffinity, Rule, SCHEMA, Settings, Span, Terms};

use line::Line;

/// The policy's name in logs, warnings and metrics.
pub const NAME: &str = "fill";

/// Decides what to take of every series of a batch.
///
/// The plan follows the rules in `wit/merge.wit`. The cost is linear in the
/// samples, about a nanosecond each where the replicas' timestamps agree.
///
/// # Errors
/// When the batch breaks the contract: lists of the wrong length, or values
/// missing under settings that need them.
pub fn plan(settings: &Settings, batch: &Batch<'_>) -> Result<Plan, Malformed> {
    batch.check(settings.terms().needs_samples)?;
    let mut plan = Plan::default();
    let mut scratch = Scratch::default();
    plan.ends.reserve(batch.series());
    for series in 0..batch.series() {
        plan_series(settings, batch, series, &mut scratch, &mut plan);
    }
    Ok(plan)
}

/// Buffers that series after series uses.
#[derive(Default)]
struct Scratch {
    line: Line,
    fill: fill::Scratch,
}

fn plan_series(
    settings: &Settings,
    batch: &Batch<'_>,
    series: usize,
    scratch: &mut Scratch,
    plan: &mut Plan,
) {
    match settings.rule {
        Rule::Fill | Rule::Max => {
            fill::plan_series(settings, batch, series, &mut scratch.fill, plan);
        }
        Rule::Promxy => promxy::plan_series(settings, batch, series, &mut scratch.line, plan),
        Rule::Penalty => penalty::plan_series(batch, series, &mut scratch.line, plan),
        Rule::First => {
            let present = |replica: &usize| !batch.times(series, *replica).is_empty();
            if let Some(replica) = (0..batch.replicas()).find(present) {
                plan.take(replica, 0, batch.times(series, replica).len());
            }
            plan.finish_series();
        }
    }
}
