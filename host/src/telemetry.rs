//! What the process tells its operator: logs, access log, metrics.
//!
//! In come events from every stage, out go lines and a page of metrics. No
//! stage waits for them.

pub mod access_log;
pub mod logging;
pub mod metrics;
mod policies;
mod process;

pub use self::access_log::AccessLog;
pub use self::metrics::Metrics;
