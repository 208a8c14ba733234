//! Takes the first replica that has data, and fills its holes from the next.

use policy_kit::{Plan, Policy, Series, Settings, Terms, export_policy, fill, interval_schema};

struct Fill {
    interval_ms: i64,
}

export_policy!(Fill);

impl Policy for Fill {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SETTINGS: &'static [&'static str] = &["interval_ms"];
    const SCHEMA: &'static str =
        concat!(r#"{"type": "object", "properties": {"#, interval_schema!(), "}}");

    fn configure(settings: &Settings) -> Result<(Self, Terms), String> {
        let interval_ms = settings.interval_ms()?;
        let terms = Terms {
            needs_values: false,
            span_ms: Some(fill::span_ms(interval_ms)),
            keeps_lone_replica: true,
            no_false_resets: true,
        };
        Ok((Self { interval_ms }, terms))
    }

    fn plan(&self, series: &Series<'_>, plan: &mut Plan) {
        fill::in_order(series, 0..series.replicas(), self.interval_ms, plan);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_are_those_of_the_readme() {
        policy_kit::testing::readme::<Fill>(include_str!("../README.md"));
    }
}
