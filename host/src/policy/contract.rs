//! The generated types of `wit/merge.wit`, and their translation.
//!
//! They do not leave `policy/`.

use guest_merge::{Plan, Span, Terms};

use super::Kind;
use super::columns::Columns;

#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
mod generated {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "merge-policy",
        ownership: Borrowing { duplicate_if_necessary: false },
    });
}

pub(super) use generated::exports::promweave::merge::policy as types;
pub(super) use generated::{MergePolicy, MergePolicyPre};

impl From<types::Terms> for Terms {
    fn from(terms: types::Terms) -> Self {
        Self {
            needs_samples: matches!(terms.needs, types::Needs::Samples),
            may_synthesise: terms.may_synthesise,
            span: terms
                .span
                .map(|span| Span { before_ms: span.before_ms, after_ms: span.after_ms }),
            keeps_lone_replica: terms.keeps_lone_replica,
            no_false_resets: terms.no_false_resets,
        }
    }
}

impl From<types::Decision> for PlanOf {
    fn from(decision: types::Decision) -> Self {
        Self(Plan {
            runs: decision.runs,
            ends: decision.ends,
            synthesised_times: decision.synthesised_times,
            synthesised_values: decision.synthesised_values,
            synthesised_ends: decision.synthesised_ends,
        })
    }
}

/// A plan that came out of a sandbox.
pub(super) struct PlanOf(pub(super) Plan);

/// The contract's word for a kind.
const fn kind(kind: Kind) -> types::Kind {
    match kind {
        Kind::Unknown => types::Kind::Unknown,
        Kind::Counter => types::Kind::Counter,
        Kind::Gauge => types::Kind::Gauge,
        Kind::Histogram => types::Kind::Histogram,
    }
}

/// Hands `call` the batch in the contract's form.
pub(super) fn with_batch<T>(columns: &Columns, call: impl FnOnce(types::Batch<'_>) -> T) -> T {
    let kinds: Vec<_> = columns.kinds.iter().map(|own| kind(*own)).collect();
    call(types::Batch {
        replicas: u32::try_from(columns.replicas).expect("fewer than 2^32 replicas"),
        kinds: &kinds,
        offsets: &columns.offsets,
        timestamps: &columns.timestamps,
        values: &columns.values,
    })
}
