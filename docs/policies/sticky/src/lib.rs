//! Prefers one replica, whatever the configured order, and falls back to the
//! others where it has a hole.

use policy_kit::{Plan, Policy, Series, Settings, Terms, export_policy, fill, interval_schema};

struct Sticky {
    replica: usize,
    interval_ms: i64,
}

export_policy!(Sticky);

impl Policy for Sticky {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SETTINGS: &'static [&'static str] = &["replica", "interval_ms"];
    const SCHEMA: &'static str = concat!(
        r#"{"type": "object", "properties": {"replica": {"type": "integer", "minimum": 0, "#,
        r#""default": 0, "description": "number of the preferred replica, from 0"}, "#,
        interval_schema!(),
        "}}"
    );

    fn configure(settings: &Settings) -> Result<(Self, Terms), String> {
        let replica = settings.whole("replica", 0, 0)? as usize;
        let interval_ms = settings.interval_ms()?;
        let terms = Terms {
            needs_values: false,
            span_ms: Some(fill::span_ms(interval_ms)),
            keeps_lone_replica: true,
            no_false_resets: true,
        };
        Ok((Self { replica, interval_ms }, terms))
    }

    fn plan(&self, series: &Series<'_>, plan: &mut Plan) {
        let is_preferred = |replica: &usize| *replica == self.replica;
        let all = 0..series.replicas();
        let others = all.clone().filter(|replica| !is_preferred(replica));
        let order = all.filter(is_preferred).chain(others);
        fill::in_order(series, order, self.interval_ms, plan);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_are_those_of_the_readme() {
        policy_kit::testing::readme::<Sticky>(include_str!("../README.md"));
    }
}
