//! What the bound policies did, on the page of metrics: a row for each that is
//! bound now, so that there are never more rows than server groups.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// What a policy did since it was bound to a server group.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyRow {
    /// Name or number of the server group.
    pub server_group: String,
    /// What the policy calls itself.
    pub policy: String,
    /// The first digits of its digest.
    pub digest: String,
    /// Calls of it.
    pub calls: u64,
    /// Samples that it was asked about.
    pub samples: u64,
    /// Time that it took.
    pub seconds: f64,
    /// It is not asked any more.
    pub is_parked: bool,
}

/// Gives the rows of this moment.
type Source = Box<dyn Fn() -> Vec<PolicyRow> + Send + Sync>;

/// Where the rows come from. Cloning shares it.
#[derive(Clone, Default)]
pub(super) struct Policies(Arc<Mutex<Option<Source>>>);

impl Policies {
    pub(super) fn come_from(&self, source: Source) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(source);
    }
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policies").finish_non_exhaustive()
    }
}

impl Collector for Policies {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let source = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(rows) = source.as_ref().map(|rows| rows()) else { return Ok(()) };
        drop(source);
        let labels = |row: &PolicyRow| {
            [
                ("server_group", row.server_group.clone()),
                ("policy", row.policy.clone()),
                ("digest", row.digest.clone()),
            ]
        };
        let mut counters =
            |name: &str, help: &str, unit: Option<&Unit>, of: fn(&PolicyRow) -> f64| {
                let mut metric =
                    encoder.encode_descriptor(name, help, unit, MetricType::Counter)?;
                for row in &rows {
                    ConstCounter::new(of(row)).encode(metric.encode_family(&labels(row))?)?;
                }
                Ok::<_, fmt::Error>(())
            };
        counters("promweave_policy_calls", "Calls of merge policies", None, |row| {
            row.calls as f64
        })?;
        counters(
            "promweave_policy_samples",
            "Samples that merge policies decided on",
            None,
            |row| row.samples as f64,
        )?;
        let seconds = Some(&Unit::Seconds);
        counters("promweave_policy", "Time that merge policies took", seconds, |row| row.seconds)?;
        let help = "Whether a merge policy failed so often that it is not asked any more";
        let gauge = MetricType::Gauge;
        let mut metric = encoder.encode_descriptor("promweave_policy_parked", help, None, gauge)?;
        for row in &rows {
            let is_parked = i64::from(row.is_parked);
            ConstGauge::new(is_parked).encode(metric.encode_family(&labels(row))?)?;
        }
        Ok(())
    }
}
