//! Candidates that misbehave beside an active policy.

use std::time::Duration;

use super::guests::{Guest, TRIGGER_MS};
use super::*;
use crate::policy::compare::Answered;
use crate::policy::recording::Entry;
use crate::policy::shadow::{Bounds, Pool, Shadow};

#[test]
fn a_candidate_that_fails_is_parked_and_then_dropped() {
    let guest = Guest { plan: "unreachable", ..Guest::default() };
    let spec = Spec { park_after: 3, ..Spec::default() };
    let version = Version::load(engine(), &guest.component(), &spec.limits).expect("it loads");
    let candidate = Binding::component(Arc::new(version), spec, Settings::default());
    let pool = Pool::start(Bounds::default()).expect("a thread");
    let candidate = Arc::new(candidate.expect("it is honest in the trial"));
    let shadow = Shadow::new(candidate, &pool, Box::new(|_| {}));
    let active = Binding::native(Settings::default());
    let start = TRIGGER_MS / 1000;
    let replicas = [batch(&[("a", &[(start, 1.0)])]), batch(&[("a", &[(start + 15, 1.0)])])];
    let entry = Arc::new(Entry::of(replicas.into()));
    for _ in 0..10 {
        let mut merged = merge(&active, &entry.views(), &entry.options());
        assert_eq!(merged.fault, None);
        shadow.observe(Arc::clone(&entry), Answered::of(&mut merged, 7));
    }
    pool.settle(Duration::from_secs(60));
    let report = shadow.report();
    assert_eq!(report.comparison.candidate.faults.values().sum::<u64>(), 3, "{report:?}");
    assert_eq!((report.comparison.merges, report.dropped, report.parked), (0, 7, true));
    assert!(report.to_string().contains("parked"), "{report}");
}
