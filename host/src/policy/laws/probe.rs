//! What a law is tried on: a batch, and what belongs to the question.

use super::case::Case;

/// First and last time kept, both included; none: no border on that side.
pub(super) type Window = (Option<i64>, Option<i64>);

/// A batch that is asked about several times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Repeated {
    pub(super) case: Case,
    /// Above zero.
    pub(super) times: usize,
}

/// A question to a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Probe {
    /// What the same instance is asked before.
    pub(super) earlier: Vec<Repeated>,
    pub(super) case: Case,
    /// What the case is cut to.
    pub(super) window: Option<Window>,
}

impl Probe {
    /// A batch by itself.
    pub(super) const fn of(case: Case) -> Self {
        Self { earlier: Vec::new(), case, window: None }
    }

    /// A batch and a part of it.
    pub(super) const fn cut(case: Case, window: Window) -> Self {
        Self { earlier: Vec::new(), case, window: Some(window) }
    }

    /// A batch after others.
    pub(super) const fn after(earlier: Vec<Repeated>, case: Case) -> Self {
        Self { earlier, case, window: None }
    }

    /// All batches, each once.
    pub(super) fn cases(&self) -> impl Iterator<Item = &Case> {
        self.earlier.iter().map(|repeated| &repeated.case).chain([&self.case])
    }

    /// The same, to be changed.
    pub(super) fn cases_mut(&mut self) -> impl Iterator<Item = &mut Case> {
        self.earlier.iter_mut().map(|repeated| &mut repeated.case).chain([&mut self.case])
    }

    /// Makes all values zero.
    pub(super) fn forget_values(&mut self) {
        for sample in self.cases_mut().flat_map(Case::timelines_mut).flatten() {
            sample.bits = 0;
        }
    }
}

/// The part of a case that lies in a window.
pub(super) fn cut(case: &Case, window: Window) -> Case {
    let (start, end) = (window.0.unwrap_or(i64::MIN), window.1.unwrap_or(i64::MAX));
    let mut part = case.clone();
    for timeline in part.timelines_mut() {
        timeline.retain(|sample| (start..=end).contains(&sample.time));
    }
    part
}
