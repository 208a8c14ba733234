//! What an instance of a policy costs before its first question.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Error, Spec, Version};

/// The least of so many.
const STARTS: usize = 20;

/// Time until an instance can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartCost {
    /// To make it.
    pub instance: Duration,
    /// To give it its settings.
    pub configure: Duration,
}

/// Starts some instances, one after the other.
///
/// # Errors
/// When one does not start, or refuses its settings.
pub fn start_cost(version: &Arc<Version>, spec: &Spec) -> Result<StartCost, Error> {
    let mut least = StartCost { instance: Duration::MAX, configure: Duration::MAX };
    for _ in 0..STARTS {
        let begin = Instant::now();
        let mut guest =
            version.start(&spec.limits, 0).map_err(|fault| Error::Failed("start", fault))?;
        least.instance = least.instance.min(begin.elapsed());
        let begin = Instant::now();
        guest.configure(&spec.settings).map_err(Error::of_configure)?;
        least.configure = least.configure.min(begin.elapsed());
    }
    Ok(least)
}
