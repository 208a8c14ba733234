//! A plan: for every site, which group gives its share in which way.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use promql::ast::Span;

use super::site::Site;
use super::steps::Steps;

/// How a query is answered. What is not at a site is fetched raw.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Answered by the groups, in the order of the query.
    pub sites: Vec<PlannedSite>,
    /// Could be, and why they are not: they are evaluated here, from raw
    /// samples.
    pub raw: Vec<PlannedSite>,
    /// Requests made to find out.
    pub probes: usize,
    /// What the servers warned of when they were asked.
    pub warnings: Vec<String>,
    /// What is already being done for it.
    pub begun: Begun,
}

/// Work that began while a plan was made: only who made the plan can look
/// inside. It ends when it is dropped.
#[derive(Clone, Debug, Default)]
pub struct Begun(Option<Arc<dyn Any + Send + Sync>>);

impl Begun {
    /// Work of whatever kind.
    #[must_use]
    pub fn new<T: Any + Send + Sync>(work: T) -> Self {
        Self(Some(Arc::new(work)))
    }

    /// The work, if there is any and it is of this kind.
    #[must_use]
    pub fn get<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.0.as_deref()?.downcast_ref()
    }
}

/// A site, and who gives what.
#[derive(Clone, Debug)]
pub struct PlannedSite {
    /// What is evaluated.
    pub site: Site,
    /// Groups that are evaluated by themselves, or together.
    pub shares: Vec<Share>,
}

/// What one group gives, or several groups whose series may be the same.
#[derive(Clone, Debug)]
pub struct Share {
    /// Which groups; more than one are raw.
    pub groups: Vec<usize>,
    /// All steps, in order.
    pub stretches: Vec<Stretch>,
    /// Why this way.
    pub reason: String,
    /// Series that an answer is expected to have, for its size.
    pub series: u64,
    /// Raw samples of all replicas, where that is known.
    pub samples: Option<u64>,
}

/// Some of the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Which.
    pub steps: Steps,
    /// How they are answered.
    pub way: Way,
}

/// How steps are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By the raw samples of all replicas, evaluated here.
    Raw,
    /// By this replica.
    Push(usize),
}

impl Plan {
    /// Where values come with the data.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        self.sites.iter().map(|planned| planned.site.span).collect()
    }
}

impl Share {
    /// All steps raw.
    #[must_use]
    pub fn raw(groups: Vec<usize>, steps: Steps, reason: impl Into<String>) -> Self {
        let stretches = vec![Stretch { steps, way: Way::Raw }];
        Self { groups, stretches, reason: reason.into(), series: 0, samples: None }
    }

    /// True if nothing is pushed down.
    #[must_use]
    pub fn is_raw(&self) -> bool {
        self.stretches.iter().all(|stretch| stretch.way == Way::Raw)
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw => f.write_str("raw"),
            Self::Push(replica) => write!(f, "push to replica {replica}"),
        }
    }
}
