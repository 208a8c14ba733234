//! Between the generated bindings and [`Policy`]. Compiled for wasm only.
//!
//! `bindings.rs` is what `wit-bindgen rust --world merge-policy
//! --pub-export-macro merge.wit` (0.63) writes.

use crate::bindings::exports::promweave::merge::policy as contract;
use crate::{Kind, Plan, Policy, Series, Settings};

/// What the policy says of itself.
pub fn describe<P: Policy>() -> contract::Description {
    contract::Description {
        name: P::NAME.to_owned(),
        version: P::VERSION.to_owned(),
        settings_schema: P::SCHEMA.to_owned(),
    }
}

/// The policy with settings, and its terms in the contract's words.
pub fn configure<P: Policy>(settings: &str) -> Result<(P, contract::Terms), String> {
    let (policy, terms) = P::configure(&Settings::parse(settings, P::SETTINGS)?)?;
    let needs =
        if terms.needs_values { contract::Needs::Samples } else { contract::Needs::Timelines };
    let span = terms.span_ms.map(|ms| contract::Span { before_ms: ms, after_ms: ms });
    let terms = contract::Terms {
        needs,
        may_synthesise: false,
        span,
        keeps_lone_replica: terms.keeps_lone_replica,
        no_false_resets: terms.no_false_resets,
    };
    Ok((policy, terms))
}

/// Decides for every series of a batch.
pub fn plan<P: Policy>(policy: &P, batch: &contract::Batch) -> contract::Decision {
    let mut plan = Plan::default();
    let replicas = batch.replicas as usize;
    for (number, kind) in batch.kinds.iter().enumerate() {
        let series = Series {
            kind: (*kind).into(),
            offsets: &batch.offsets[number * replicas..=(number + 1) * replicas],
            timestamps: &batch.timestamps,
            values: &batch.values,
        };
        policy.plan(&series, &mut plan);
        plan.finish_series();
    }
    contract::Decision {
        runs: plan.runs,
        ends: plan.ends,
        synthesised_times: Vec::new(),
        synthesised_values: Vec::new(),
        synthesised_ends: Vec::new(),
    }
}

impl From<contract::Kind> for Kind {
    fn from(kind: contract::Kind) -> Self {
        match kind {
            contract::Kind::Unknown => Self::Unknown,
            contract::Kind::Counter => Self::Counter,
            contract::Kind::Gauge => Self::Gauge,
            contract::Kind::Histogram => Self::Histogram,
        }
    }
}
