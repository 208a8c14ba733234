//! Takes, series by series, the replica with the newest sample, and fills its
//! holes from the others, the next newest first.

use std::cmp::Reverse;

use policy_kit::{Plan, Policy, Series, Settings, Terms, export_policy, fill, interval_schema};

struct NewestWins {
    interval_ms: i64,
}

export_policy!(NewestWins);

impl Policy for NewestWins {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SETTINGS: &'static [&'static str] = &["interval_ms"];
    const SCHEMA: &'static str =
        concat!(r#"{"type": "object", "properties": {"#, interval_schema!(), "}}");

    fn configure(settings: &Settings) -> Result<(Self, Terms), String> {
        let interval_ms = settings.interval_ms()?;
        let terms = Terms {
            needs_values: false,
            // The newest sample of one window is not that of another.
            span_ms: None,
            keeps_lone_replica: true,
            no_false_resets: true,
        };
        Ok((Self { interval_ms }, terms))
    }

    fn plan(&self, series: &Series<'_>, plan: &mut Plan) {
        let mut order: Vec<usize> = (0..series.replicas()).collect();
        // Stable: of two that are equally new, the first one wins.
        order.sort_by_key(|replica| Reverse(series.times(*replica).last()));
        fill::in_order(series, order, self.interval_ms, plan);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_are_those_of_the_readme() {
        policy_kit::testing::readme::<NewestWins>(include_str!("../README.md"));
    }
}
