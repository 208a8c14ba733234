//! Takes in every round of scrapes the replica whose value is the median.
//!
//! Of an even number it takes the lower of the two in the middle: a value that
//! a replica has, not one between them.

use policy_kit::rounds::{self, Vote};
use policy_kit::{Plan, Policy, Series, Settings, Terms, export_policy, interval_schema};

struct Median {
    interval_ms: i64,
}

export_policy!(Median);

impl Policy for Median {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SETTINGS: &'static [&'static str] = &["interval_ms"];
    const SCHEMA: &'static str =
        concat!(r#"{"type": "object", "properties": {"#, interval_schema!(), "}}");

    fn configure(settings: &Settings) -> Result<(Self, Terms), String> {
        let interval_ms = settings.interval_ms()?;
        let terms = Terms {
            needs_values: true,
            span_ms: Some(rounds::span_ms(interval_ms)),
            keeps_lone_replica: true,
            no_false_resets: true,
        };
        Ok((Self { interval_ms }, terms))
    }

    fn plan(&self, series: &Series<'_>, plan: &mut Plan) {
        rounds::elect(series, self.interval_ms, plan, median);
    }
}

/// The first vote for the middle value.
fn median(votes: &[Vote]) -> Vote {
    let mut sorted = votes.to_vec();
    // Stable: equal values stay in the order of the replicas.
    sorted.sort_by(|one, other| one.value.total_cmp(&other.value));
    let middle = sorted[(sorted.len() - 1) / 2].value;
    let first = sorted.iter().find(|vote| vote.value.total_cmp(&middle).is_eq());
    *first.expect("the middle vote is one of them")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_are_those_of_the_readme() {
        policy_kit::testing::readme::<Median>(include_str!("../README.md"));
    }
}
