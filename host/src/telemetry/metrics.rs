//! Counters, gauges and histograms of every stage, and the page that shows
//! them.
//!
//! Names are `promweave_…`, but where promxy has a metric of the same meaning
//! it keeps promxy's name, so that its dashboards and alerts go on working:
//! `server_group_request_duration_seconds` (there a summary without quantiles,
//! here a histogram, which has the same `_sum` and `_count`),
//! `server_group_targets`, and `prometheus_config_last_reload_…`.
//! `promxy_build_info` is not imitated: it would claim to be promxy.

mod merges;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use self::merges::Merges;
use super::policies::Policies;
pub use super::policies::PolicyRow;
use super::process::Process;

/// Bounds in seconds, from an answer out of memory to one that takes all its
/// deadline allows.
const SECONDS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 120.0];

/// Rows of policies' faults with a digest of their own.
const MOST_FAULT_ROWS: usize = 2_000;

type Timed<L> = Family<L, Histogram, fn() -> Histogram>;

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

fn timed<L: Clone + std::hash::Hash + Eq>() -> Timed<L> {
    Family::new_with_constructor(seconds)
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HandlerLabels {
    handler: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    handler: &'static str,
    code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueryLabels {
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReplicaLabels {
    server_group: String,
    replica: String,
    call: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReplicaOutcomeLabels {
    server_group: String,
    replica: String,
    call: &'static str,
    outcome: &'static str,
}

/// promxy's labels, and the group's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TargetLabels {
    server_group: String,
    host: String,
    call: &'static str,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GroupLabels {
    ordinal: usize,
    name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PolicyLabels {
    server_group: String,
    policy: String,
    digest: String,
    fault: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabels {
    stage: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionLabels {
    action: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

/// A call to a replica that has ended.
#[derive(Clone, Copy, Debug)]
pub struct ReplicaCall<'a> {
    /// The server group's name.
    pub server_group: &'a str,
    /// The replica's host and port.
    pub replica: &'a str,
    /// `query`, `query_range`, `get_value`, `label_names`, … as promxy names
    /// them.
    pub call: &'static str,
    /// `success`, or the kind of failure in one word.
    pub outcome: &'static str,
    /// From the first byte sent to the last received.
    pub elapsed: Duration,
    /// Bytes of the answer as they came over the wire.
    pub bytes: u64,
}

/// All metrics of the process. Methods count; none of them blocks.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Timed<HandlerLabels>,
    response_bytes: Family<HandlerLabels, Counter>,
    requests_in_flight: Gauge,
    connections: Gauge,
    queries: Family<QueryLabels, Counter>,
    query_seconds: Timed<KindLabels>,
    queries_running: Gauge,
    queries_waiting: Gauge,
    query_samples: Counter,
    target_seconds: Timed<TargetLabels>,
    targets: Family<GroupLabels, Gauge>,
    replica_requests: Family<ReplicaOutcomeLabels, Counter>,
    replica_bytes: Family<ReplicaLabels, Counter>,
    policy_faults: Family<PolicyLabels, Counter>,
    merges: Merges,
    /// Label sets of `policy_faults` so far.
    fault_rows: AtomicUsize,
    policies: Policies,
    panics: Family<StageLabels, Counter>,
    admin_actions: Family<ActionLabels, Counter>,
    admin_refused: Family<ReasonLabels, Counter>,
    reload_succeeded: Gauge,
    reload_time: Gauge<f64, AtomicU64>,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new("", "")
    }
}

impl Metrics {
    /// The type of [`Self::render`]'s text.
    pub const CONTENT_TYPE: &'static str =
        "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// Metrics of a process of this version, all at zero.
    #[must_use]
    pub fn new(version: &str, revision: &str) -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            request_seconds: timed(),
            response_bytes: Family::default(),
            requests_in_flight: Gauge::default(),
            connections: Gauge::default(),
            queries: Family::default(),
            query_seconds: timed(),
            queries_running: Gauge::default(),
            queries_waiting: Gauge::default(),
            query_samples: Counter::default(),
            target_seconds: timed(),
            targets: Family::default(),
            replica_requests: Family::default(),
            replica_bytes: Family::default(),
            policy_faults: Family::default(),
            merges: Merges::default(),
            fault_rows: AtomicUsize::new(0),
            policies: Policies::default(),
            panics: Family::default(),
            admin_actions: Family::default(),
            admin_refused: Family::default(),
            reload_succeeded: Gauge::default(),
            reload_time: Gauge::default(),
        };
        let labels = vec![("version", version.to_owned()), ("revision", revision.to_owned())];
        metrics.registry.register("promweave_build", "The version that runs", Info::new(labels));
        metrics.register_http();
        metrics.register_query();
        metrics.register_replicas();
        metrics.merges.register(&mut metrics.registry);
        metrics.register_process();
        metrics
    }

    fn register_http(&mut self) {
        let registry = self.registry.sub_registry_with_prefix("promweave_http");
        registry.register("requests", "Requests answered", self.requests.clone());
        registry.register_with_unit(
            "request_duration",
            "From a request's head to its response's last byte",
            Unit::Seconds,
            self.request_seconds.clone(),
        );
        registry.register_with_unit(
            "response",
            "Bytes of response bodies",
            Unit::Bytes,
            self.response_bytes.clone(),
        );
        registry.register(
            "requests_in_flight",
            "Requests being answered",
            self.requests_in_flight.clone(),
        );
        registry.register("connections", "Open connections of clients", self.connections.clone());
    }

    fn register_query(&mut self) {
        let registry = self.registry.sub_registry_with_prefix("promweave");
        registry.register("queries", "Queries that ended, by outcome", self.queries.clone());
        registry.register_with_unit(
            "query_duration",
            "From a query's admission to its value",
            Unit::Seconds,
            self.query_seconds.clone(),
        );
        registry.register(
            "queries_running",
            "Queries being evaluated",
            self.queries_running.clone(),
        );
        registry.register(
            "queries_waiting",
            "Queries waiting for a place",
            self.queries_waiting.clone(),
        );
        registry.register(
            "query_samples",
            "Samples that queries loaded",
            self.query_samples.clone(),
        );
        registry.register("policy_faults", "Faults of merge policies", self.policy_faults.clone());
        registry.register("panics", "Panics that were caught", self.panics.clone());
        registry.register(
            "admin_actions",
            "What was done on the admin address, or tried",
            self.admin_actions.clone(),
        );
        registry.register(
            "admin_refused",
            "Requests to the admin address of who may not ask",
            self.admin_refused.clone(),
        );
        self.registry.register_collector(Box::new(self.policies.clone()));
    }

    fn register_replicas(&mut self) {
        let registry = &mut self.registry;
        registry.register_with_unit(
            "server_group_request_duration",
            "Calls to replicas",
            Unit::Seconds,
            self.target_seconds.clone(),
        );
        registry.register(
            "server_group_targets",
            "Replicas of a server group",
            self.targets.clone(),
        );
        registry.register(
            "promweave_replica_requests",
            "Calls to replicas",
            self.replica_requests.clone(),
        );
        registry.register_with_unit(
            "promweave_replica_response",
            "Bytes of replicas' answers on the wire",
            Unit::Bytes,
            self.replica_bytes.clone(),
        );
    }

    fn register_process(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "prometheus_config_last_reload_successful",
            "Whether the configuration was loaded when last tried",
            self.reload_succeeded.clone(),
        );
        registry.register_with_unit(
            "prometheus_config_last_reload_success_timestamp",
            "When the configuration was last loaded, since 1970",
            Unit::Seconds,
            self.reload_time.clone(),
        );
        registry.register_collector(Box::new(Process));
    }

    /// The page, in the OpenMetrics text format.
    #[must_use]
    pub fn render(&self) -> String {
        let mut page = String::new();
        encode(&mut page, &self.registry).expect("writing to a string succeeds");
        page
    }

    /// A request has come; it is in flight until the guard is dropped.
    #[must_use]
    pub fn request_begins(&self) -> InFlight {
        InFlight::of(&self.requests_in_flight)
    }

    /// A request has ended.
    pub fn request_ends(&self, handler: &'static str, code: u16, elapsed: Duration, bytes: u64) {
        self.requests.get_or_create(&RequestLabels { handler, code }).inc();
        let labels = HandlerLabels { handler };
        self.request_seconds.get_or_create(&labels).observe(elapsed.as_secs_f64());
        self.response_bytes.get_or_create(&labels).inc_by(bytes);
    }

    /// A client has connected; the connection is open until the guard is
    /// dropped.
    #[must_use]
    pub fn connection(&self) -> InFlight {
        InFlight::of(&self.connections)
    }

    /// A query waits for a place until the guard is dropped.
    #[must_use]
    pub fn query_waits(&self) -> InFlight {
        InFlight::of(&self.queries_waiting)
    }

    /// A query runs until the guard is dropped.
    #[must_use]
    pub fn query_runs(&self) -> InFlight {
        InFlight::of(&self.queries_running)
    }

    /// A query of a kind (`instant`, `range`) has ended, with `success` or an
    /// error type, after loading so many samples.
    pub fn query_ends(
        &self,
        kind: &'static str,
        outcome: &'static str,
        elapsed: Duration,
        samples: u64,
    ) {
        self.queries.get_or_create(&QueryLabels { kind, outcome }).inc();
        self.query_seconds.get_or_create(&KindLabels { kind }).observe(elapsed.as_secs_f64());
        self.query_samples.inc_by(samples);
    }

    /// A call to a replica has ended.
    pub fn replica_call(&self, ended: &ReplicaCall<'_>) {
        let ReplicaCall { server_group, replica, call, outcome, elapsed, bytes } = *ended;
        let (server_group, replica) = (server_group.to_owned(), replica.to_owned());
        let status = if outcome == "success" { "success" } else { "error" };
        let target = TargetLabels {
            server_group: server_group.clone(),
            host: replica.clone(),
            call,
            status,
        };
        self.target_seconds.get_or_create(&target).observe(elapsed.as_secs_f64());
        let labels =
            ReplicaLabels { server_group: server_group.clone(), replica: replica.clone(), call };
        self.replica_bytes.get_or_create(&labels).inc_by(bytes);
        self.replica_requests
            .get_or_create(&ReplicaOutcomeLabels { server_group, replica, call, outcome })
            .inc();
    }

    /// The replicas that a server group has now.
    pub fn replicas(&self, ordinal: usize, name: &str, count: usize) {
        let labels = GroupLabels { ordinal, name: name.to_owned() };
        self.targets.get_or_create(&labels).set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Forgets the replica counts of all groups: call before those of a new
    /// configuration are set.
    pub fn forget_replicas(&self) {
        self.targets.clear();
    }

    /// A policy faulted (`trap`, `deadline`, `memory`, …): the server group,
    /// the policy's name, and the beginning of its digest. After a great many
    /// different ones the digest is left out, so that uploads without end are
    /// not rows without end.
    pub fn policy_fault(
        &self,
        (server_group, policy, digest): (&str, &str, &str),
        fault: &'static str,
    ) {
        let [server_group, policy, digest] = [server_group, policy, digest].map(str::to_owned);
        let mut labels = PolicyLabels { server_group, policy, digest, fault };
        if let Some(known) = self.policy_faults.get(&labels) {
            known.inc();
            return;
        }
        if self.fault_rows.fetch_add(1, Ordering::Relaxed) >= MOST_FAULT_ROWS {
            (labels.policy, labels.digest) = ("other".to_owned(), String::new());
        }
        self.policy_faults.get_or_create(&labels).inc();
    }

    /// Where the rows about bound policies come from, from now on.
    pub fn policies(&self, source: impl Fn() -> Vec<PolicyRow> + Send + Sync + 'static) {
        self.policies.come_from(Box::new(source));
    }

    /// A panic was caught.
    pub fn panic(&self, stage: &'static str) {
        self.panics.get_or_create(&StageLabels { stage }).inc();
    }

    /// Something was done on the admin address: `success`, `error` or
    /// `aborted`.
    pub fn admin_action(&self, action: &'static str, outcome: &'static str) {
        self.admin_actions.get_or_create(&ActionLabels { action, outcome }).inc();
    }

    /// A request to the admin address was refused for who asked.
    pub fn admin_refused(&self, reason: &'static str) {
        self.admin_refused.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// The configuration was read, with success or not.
    pub fn reloaded(&self, succeeded: bool) {
        self.reload_succeeded.set(i64::from(succeeded));
        if succeeded {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.reload_time.set(now.as_secs_f64());
        }
    }
}

/// Something that is going on; it has ended when this is dropped.
#[derive(Debug)]
pub struct InFlight(Gauge);

impl InFlight {
    fn of(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_what_was_counted_under_promxys_names() {
        let metrics = Metrics::new("1.2.3", "abc");
        metrics.request_ends("/api/v1/query", 200, Duration::from_millis(20), 87);
        metrics.replica_call(&ReplicaCall {
            server_group: "dc1",
            replica: "a:9090",
            call: "query",
            outcome: "timeout",
            elapsed: Duration::from_millis(500),
            bytes: 12,
        });
        metrics.replicas(0, "dc1", 2);
        metrics.policy_fault(("dc1", "median", "1f2e"), "trap");
        metrics.reloaded(true);
        let page = metrics.render();
        for line in [
            "promweave_build_info{version=\"1.2.3\",revision=\"abc\"} 1",
            "promweave_http_requests_total{handler=\"/api/v1/query\",code=\"200\"} 1",
            "promweave_http_request_duration_seconds_sum{handler=\"/api/v1/query\"} 0.02",
            "promweave_http_response_bytes_total{handler=\"/api/v1/query\"} 87",
            "server_group_request_duration_seconds_count{server_group=\"dc1\",host=\"a:9090\",call=\"query\",status=\"error\"} 1",
            "server_group_targets{ordinal=\"0\",name=\"dc1\"} 2",
            "promweave_replica_requests_total{server_group=\"dc1\",replica=\"a:9090\",call=\"query\",outcome=\"timeout\"} 1",
            "promweave_policy_faults_total{server_group=\"dc1\",policy=\"median\",digest=\"1f2e\",fault=\"trap\"} 1",
            "prometheus_config_last_reload_successful 1",
        ] {
            assert!(page.lines().any(|own| own == line), "no {line} in\n{page}");
        }
        assert!(page.ends_with("# EOF\n"));
    }

    #[test]
    fn bound_policies_have_a_row_each_as_long_as_they_are_bound() {
        let metrics = Metrics::default();
        assert!(!metrics.render().contains("promweave_policy_calls"));
        let row = PolicyRow {
            server_group: "dc1".to_owned(),
            policy: "median".to_owned(),
            digest: "1f2e".to_owned(),
            calls: 3,
            samples: 600,
            seconds: 0.25,
            is_parked: true,
        };
        metrics.policies(move || vec![row.clone()]);
        let page = metrics.render();
        let labels = "{server_group=\"dc1\",policy=\"median\",digest=\"1f2e\"}";
        for line in [
            format!("promweave_policy_calls_total{labels} 3.0"),
            format!("promweave_policy_samples_total{labels} 600.0"),
            format!("promweave_policy_seconds_total{labels} 0.25"),
            format!("promweave_policy_parked{labels} 1"),
        ] {
            assert!(page.lines().any(|own| own == line), "no {line} in\n{page}");
        }
        metrics.policies(Vec::new);
        assert!(!metrics.render().contains("dc1"));
    }

    #[test]
    fn faults_of_ever_new_policies_are_bounded() {
        let metrics = Metrics::default();
        for number in 0..2 * MOST_FAULT_ROWS {
            metrics.policy_fault(("dc1", "evil", &number.to_string()), "trap");
        }
        let page = metrics.render();
        let rows = page.lines().filter(|line| line.starts_with("promweave_policy_faults_total"));
        assert_eq!(rows.count(), MOST_FAULT_ROWS + 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_is_on_the_page() {
        let page = Metrics::default().render();
        for name in [
            "process_open_fds ",
            "process_resident_memory_bytes ",
            "process_cpu_seconds_total ",
            "process_start_time_seconds ",
        ] {
            assert!(page.lines().any(|line| line.starts_with(name)), "no {name}in\n{page}");
        }
    }

    #[test]
    fn what_is_in_flight_is_counted_until_it_ends() {
        let metrics = Metrics::default();
        let running = metrics.query_runs();
        assert!(metrics.render().contains("promweave_queries_running 1\n"));
        drop(running);
        assert!(metrics.render().contains("promweave_queries_running 0\n"));
    }
}
