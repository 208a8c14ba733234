//! Takes in every round of scrapes the value that most replicas agree on.

use policy_kit::rounds::{self, Vote};
use policy_kit::{Plan, Policy, Series, Settings, Terms, export_policy, interval_schema};

struct Quorum {
    interval_ms: i64,
    tolerance: f64,
}

export_policy!(Quorum);

impl Policy for Quorum {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SETTINGS: &'static [&'static str] = &["interval_ms", "tolerance"];
    const SCHEMA: &'static str = concat!(
        r#"{"type": "object", "properties": {"tolerance": {"type": "number", "minimum": 0, "#,
        r#""maximum": 1, "default": 0, "description": "how much two values may differ and still "#,
        r#"agree, as a part of the larger one"}, "#,
        interval_schema!(),
        "}}"
    );

    fn configure(settings: &Settings) -> Result<(Self, Terms), String> {
        let interval_ms = settings.interval_ms()?;
        let tolerance = settings.fraction("tolerance", 0.0)?;
        let terms = Terms {
            needs_values: true,
            span_ms: Some(rounds::span_ms(interval_ms)),
            keeps_lone_replica: true,
            no_false_resets: true,
        };
        Ok((Self { interval_ms, tolerance }, terms))
    }

    fn plan(&self, series: &Series<'_>, plan: &mut Plan) {
        rounds::elect(series, self.interval_ms, plan, |votes| self.most_agreed(votes));
    }
}

impl Quorum {
    /// The vote that most votes agree with; of several, the first one.
    fn most_agreed(&self, votes: &[Vote]) -> Vote {
        let support = |vote: &Vote| votes.iter().filter(|other| self.agree(vote, other)).count();
        let mut elected = votes[0];
        for vote in &votes[1..] {
            if support(vote) > support(&elected) {
                elected = *vote;
            }
        }
        elected
    }

    fn agree(&self, one: &Vote, other: &Vote) -> bool {
        let (one, other) = (one.value, other.value);
        let is_same = one.total_cmp(&other).is_eq(); // also for NaN and infinities
        is_same || (one - other).abs() <= self.tolerance * one.abs().max(other.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_are_those_of_the_readme() {
        policy_kit::testing::readme::<Quorum>(include_str!("../README.md"));
    }

    #[test]
    fn what_is_no_number_agrees_with_itself_alone() {
        let (policy, _) = Quorum::configure(&Settings::default()).expect("defaults");
        let answer = |values: [f64; 3]| {
            let replicas = values.map(|value| [(0, value)]);
            let replicas: Vec<&[(i64, f64)]> = replicas.iter().map(|one| &one[..]).collect();
            policy_kit::testing::samples(&replicas, |series, plan| policy.plan(series, plan))[0].1
        };
        assert!(answer([1.0, f64::NAN, f64::NAN]).is_nan());
        assert_eq!(answer([f64::INFINITY, 1.0, 1.0]), 1.0);
        assert_eq!(answer([f64::INFINITY, f64::NEG_INFINITY, 1.0]), f64::INFINITY);
    }
}
