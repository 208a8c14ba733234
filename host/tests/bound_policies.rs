//! Policies as queries meet them: bound to server groups, swapped, at fault.

#[path = "../src/policy/tests/guests.rs"]
#[allow(dead_code, reason = "shared with the unit tests, which use all of it")]
mod guests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use guests::{Guest, TRIGGER_MS, answer};
use promql::budget::Budget;
use promql::matcher::{MatchOp, Matcher};
use promql::{Labels, SeriesBatch};
use promweave::cli::QueryLimits;
use promweave::config;
use promweave::demo::Memory;
use promweave::gather::Fleet;
use promweave::policy::{Binding, Engine, EngineLimits, Fail, Limits, Settings, Spec, Version};
use promweave::serve::{self, Listening};
use promweave::storage::{Answer, Context, Error, Select, Storage as _};
use promweave::telemetry::Metrics;

fn engine() -> &'static Engine {
    static ENGINE: LazyLock<Engine> =
        LazyLock::new(|| Engine::new(&EngineLimits::default()).expect("wasm runs here"));
    &ENGINE
}

fn bind(guest: &Guest<'_>, spec: Spec) -> Arc<Binding> {
    let version = Version::load(engine(), &guest.component(), &Limits::default());
    let version = Arc::new(version.expect("it loads"));
    Arc::new(Binding::component(version, spec, Settings::default()).expect("it passes its trial"))
}

/// A policy that traps at every query.
fn trapping(fail: Fail) -> Arc<Binding> {
    bind(&Guest::default(), Spec { fail, park_after: 2, ..Spec::default() })
}

/// A policy that takes the only sample of one replica.
fn taking(replica: u32) -> Arc<Binding> {
    let plan = answer(3, 1, 0);
    let guest = Guest { plan: &plan, data: vec![replica, 0, 1, 1], ..Guest::default() };
    bind(&guest, Spec::default())
}

fn native() -> Arc<Binding> {
    Arc::new(Binding::native(Settings::default()))
}

/// A server with one series of one sample.
async fn server(value: f64) -> Listening {
    let limits = QueryLimits {
        timeout: Duration::from_secs(60),
        max_samples: 1_000_000,
        max_bytes: 1 << 30,
        lookback_delta: Duration::from_secs(300),
    };
    let mut series = SeriesBatch::new();
    series.push_float(TRIGGER_MS, value);
    series.finish_series(Labels::from_pairs([("__name__", "up")]));
    let storage = Arc::new(Memory::new(&series, BTreeMap::new()));
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    serve::storage(storage, &limits, any).await.expect("it starts")
}

struct Servers {
    fleet: Fleet,
    metrics: Arc<Metrics>,
    /// They end when they are dropped.
    _servers: [Listening; 2],
}

impl Servers {
    /// Server groups of YAML, in which `ONE` and `TWO` stand for servers with
    /// the values 1 and 2.
    async fn start(groups: &str) -> Self {
        let [one, two] = [server(1.0).await, server(2.0).await];
        let groups = groups.replace("ONE", &one.address.to_string());
        let groups = groups.replace("TWO", &two.address.to_string());
        let text = format!("promxy: {{server_groups: [{groups}]}}");
        let config = config::parse(&text, "test", Path::new(".")).expect("valid");
        let metrics = Arc::new(Metrics::default());
        let fleet = Fleet::new(&config, |_| native(), &metrics).expect("no certificates");
        Self { fleet, metrics, _servers: [one, two] }
    }

    async fn pair() -> Self {
        Self::start("{static_configs: [{targets: [ONE, TWO]}]}").await
    }

    async fn ask(&self, context: &Context) -> Result<Answer<Vec<SeriesBatch>>, Error> {
        let name = Matcher::new("__name__", MatchOp::Equal, "up").expect("valid");
        let select = Select {
            matchers: vec![name],
            start_ms: TRIGGER_MS - 300_000,
            end_ms: TRIGGER_MS + 300_000,
            lookups: None,
        };
        self.fleet.select(context, &[select]).await
    }

    /// The values of all series.
    async fn values(&self, context: &Context) -> Vec<f64> {
        let answer = self.ask(context).await.expect("an answer");
        assert_eq!(answer.warnings, [] as [String; 0]);
        answer.data[0].iter().flat_map(|series| series.float_values.to_vec()).collect()
    }
}

fn context() -> Context {
    Context::new(Instant::now() + Duration::from_secs(60), Budget::unlimited())
}

#[tokio::test]
async fn a_query_goes_on_with_the_policy_that_it_began_with() {
    let servers = Servers::pair().await;
    let (first, second) = (taking(0), taking(1));
    servers.fleet.bind(0, Arc::clone(&first)).expect("there is a group");
    let begun = context();
    assert_eq!(servers.values(&begun).await, [1.0]);
    let before = servers.fleet.bind(0, Arc::clone(&second)).expect("there is a group");
    assert!(Arc::ptr_eq(&before, &first));
    assert_eq!(servers.values(&begun).await, [1.0]);
    assert_eq!(servers.values(&context()).await, [2.0]);
    let now = servers.fleet.binding(0).expect("there is a group");
    assert!(Arc::ptr_eq(&now, &second));
    assert_eq!((first.usage().calls(), second.usage().calls()), (2, 1));
}

#[tokio::test]
async fn all_parts_of_a_group_change_at_once() {
    let servers = Servers::start(
        "{static_configs: [{targets: [ONE, TWO], labels: {x: '1'}}, \
         {targets: [TWO, ONE], labels: {x: '2'}}]}",
    )
    .await;
    assert!(servers.fleet.bind(1, native()).is_none() && servers.fleet.binding(1).is_none());
    servers.fleet.bind(0, taking(0)).expect("there is a group");
    let begun = context();
    assert_eq!(servers.values(&begun).await, [1.0, 2.0]);
    servers.fleet.bind(0, taking(1)).expect("there is a group");
    assert_eq!(servers.values(&begun).await, [1.0, 2.0]);
    assert_eq!(servers.values(&context()).await, [2.0, 1.0]);
}

#[tokio::test]
async fn a_fault_of_an_open_binding_is_a_warning_and_counted() {
    let servers = Servers::pair().await;
    let binding = trapping(Fail::Open);
    servers.fleet.bind(0, Arc::clone(&binding)).expect("there is a group");
    for _ in 0..3 {
        let answer = servers.ask(&context()).await.expect("the built-in rule answers");
        assert_eq!(answer.data[0].len(), 1);
        assert_eq!(answer.warnings.len(), 1);
    }
    assert!(binding.is_parked());
    let page = servers.metrics.render();
    let digest = binding.short_digest();
    let labels = format!("server_group=\"0\",policy=\"hostile\",digest=\"{digest}\"");
    for line in [
        format!("promweave_policy_faults_total{{{labels},fault=\"trap\"}} 2"),
        format!("promweave_policy_faults_total{{{labels},fault=\"parked\"}} 1"),
        format!("promweave_policy_parked{{{labels}}} 1"),
        format!("promweave_policy_calls_total{{{labels}}} 2.0"),
    ] {
        assert!(page.lines().any(|own| own == line), "no {line} in\n{page}");
    }
}

#[tokio::test]
async fn a_fault_of_a_closed_binding_fails_the_query_even_where_groups_may_fail() {
    for ignore in ["false", "true"] {
        let group =
            format!("{{ignore_error: {ignore}, static_configs: [{{targets: [ONE, TWO]}}]}}");
        let servers = Servers::start(&group).await;
        let binding = trapping(Fail::Closed);
        servers.fleet.bind(0, Arc::clone(&binding)).expect("there is a group");
        let digest = binding.short_digest();
        let trapped = "trapped: wasm trap: wasm `unreachable` instruction executed";
        let parked = "is parked after 2 faults in a row: bind it again to try it again";
        for fault in [trapped, trapped, parked] {
            let error = servers.ask(&context()).await.expect_err("it fails closed");
            assert!(matches!(error, Error::Execution(_)), "{error:?}");
            assert_eq!(
                error.to_string(),
                format!(
                    "server group 0: merge policy hostile ({digest}) {fault}; it is bound to fail \
                     the query then"
                )
            );
        }
        servers.fleet.bind(0, native()).expect("there is a group");
        servers.ask(&context()).await.expect("the native rule answers");
    }
}

#[tokio::test]
async fn a_fault_between_groups_is_counted_and_fails_as_bound() {
    let two = "{static_configs: [{targets: [ONE]}]}, {static_configs: [{targets: [TWO]}]}";
    let servers = Servers::start(two).await;
    // One replica alone is not asked about by the built-in rule; this one is.
    servers.fleet.bind(1, native()).expect("there is a group");
    let binding = bind(
        &Guest { keeps_lone_replica: true, ..Guest::default() },
        Spec { park_after: 0, ..Spec::default() },
    );
    servers.fleet.bind(0, Arc::clone(&binding)).expect("there is a group");
    let answer = servers.ask(&context()).await.expect("the built-in rule answers");
    assert_eq!(answer.data[0].len(), 1);
    assert_eq!(answer.warnings.len(), 1, "{:?}", answer.warnings);
    assert_eq!(binding.usage().faults(), 1);
    assert!(servers.metrics.render().contains("fault=\"trap\"} 1\n"));
    let closed = bind(
        &Guest { keeps_lone_replica: true, ..Guest::default() },
        Spec { fail: Fail::Closed, ..Spec::default() },
    );
    servers.fleet.bind(0, closed).expect("there is a group");
    let error = servers.ask(&context()).await.expect_err("it fails closed");
    assert!(matches!(error, Error::Execution(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_swaps_fail_no_query_and_mix_no_answer() {
    let servers = Arc::new(
        Servers::start(
            "{static_configs: [{targets: [ONE, TWO], labels: {x: '1'}}, \
             {targets: [ONE, TWO], labels: {x: '2'}}]}",
        )
        .await,
    );
    let policies = [taking(0), taking(1)];
    servers.fleet.bind(0, Arc::clone(&policies[0])).expect("there is a group");
    let asking = (0..4).map(|_| {
        let servers = Arc::clone(&servers);
        tokio::spawn(async move {
            for _ in 0..50 {
                let query = context();
                let mut seen = servers.values(&query).await;
                seen.extend(servers.values(&query).await);
                assert!(seen == [1.0; 4] || seen == [2.0; 4], "{seen:?}");
            }
        })
    });
    let asking: Vec<_> = asking.collect();
    for swap in 0..1000 {
        servers.fleet.bind(0, Arc::clone(&policies[swap % 2])).expect("there is a group");
        tokio::task::yield_now().await;
    }
    for own in asking {
        own.await.expect("no query failed");
    }
}
