//! Which endpoint a path means, and which methods it takes.
//!
//! In comes a path below the route prefix, out goes an endpoint and the path's
//! parameter. The table has Prometheus's routes as far as promweave answers
//! them, and `explain`; policies and server groups have an address of their own.

use hyper::Method;

use super::form::decode_segment;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// Instant query.
    Query,
    /// Range query.
    QueryRange,
    /// How a query would be answered.
    Explain,
    /// Exemplars of a query's selectors.
    QueryExemplars,
    /// A query, printed prettily.
    FormatQuery,
    /// A query's syntax tree.
    ParseQuery,
    /// Label sets of series.
    Series,
    /// Label names.
    Labels,
    /// Values of the label that the path names.
    LabelValues,
    /// Metadata of metrics.
    Metadata,
    /// Version.
    BuildInfo,
    /// State of the process.
    RuntimeInfo,
    /// The configuration as YAML.
    Config,
    /// Command line flags.
    Flags,
    /// Statistics of a storage that promweave does not have.
    Tsdb,
    /// What Prometheus has and promweave never has any of: the JSON of none.
    Nothing(&'static str),
    /// Links for people.
    Index,
    /// Alive.
    Healthy,
    /// Takes queries.
    Ready,
    /// Reads its configuration again.
    Reload,
    /// Its own metrics.
    Metrics,
}

/// An endpoint's place.
#[derive(Debug)]
pub(super) struct Route {
    /// The path, with `:name` for a segment that is a parameter; also the
    /// `handler` label of metrics.
    pub pattern: &'static str,
    /// The methods it takes, as in an `Allow` header.
    methods: &'static [Method],
    /// What it means.
    pub endpoint: Endpoint,
}

const GET: &[Method] = &[Method::GET];
const GET_HEAD: &[Method] = &[Method::GET, Method::HEAD];
const GET_POST: &[Method] = &[Method::GET, Method::POST];
const GET_POST_PUT: &[Method] = &[Method::GET, Method::POST, Method::PUT];

/// Where Prometheus's API lives.
pub(super) const API: &str = "/api/v1/";

/// Whether a path is the admin address's (`crate::admin`).
pub(super) fn is_admin(path: &str) -> bool {
    let is = |what: &str| path.strip_prefix(API).and_then(|rest| rest.strip_prefix(what));
    ["policies", "server_groups"]
        .into_iter()
        .filter_map(is)
        .any(|rest| rest.is_empty() || rest.starts_with('/'))
}

const fn route(pattern: &'static str, methods: &'static [Method], endpoint: Endpoint) -> Route {
    Route { pattern, methods, endpoint }
}

static ROUTES: &[Route] = &[
    route("/api/v1/query", GET_POST, Endpoint::Query),
    route("/api/v1/query_range", GET_POST, Endpoint::QueryRange),
    route("/api/v1/explain", GET_POST, Endpoint::Explain),
    route("/api/v1/query_exemplars", GET_POST, Endpoint::QueryExemplars),
    route("/api/v1/format_query", GET_POST, Endpoint::FormatQuery),
    route("/api/v1/parse_query", GET_POST, Endpoint::ParseQuery),
    route("/api/v1/series", GET_POST, Endpoint::Series),
    route("/api/v1/labels", GET_POST, Endpoint::Labels),
    route("/api/v1/label/:name/values", GET, Endpoint::LabelValues),
    route("/api/v1/metadata", GET, Endpoint::Metadata),
    route("/api/v1/status/buildinfo", GET, Endpoint::BuildInfo),
    route("/api/v1/status/runtimeinfo", GET, Endpoint::RuntimeInfo),
    route("/api/v1/status/config", GET, Endpoint::Config),
    route("/api/v1/status/flags", GET, Endpoint::Flags),
    route("/api/v1/status/tsdb", GET, Endpoint::Tsdb),
    route("/api/v1/status/tsdb/blocks", GET, Endpoint::Nothing(r#"{"blocks":[]}"#)),
    route("/api/v1/status/walreplay", GET, Endpoint::Nothing(r#"{"min":0,"max":0,"current":0}"#)),
    route("/api/v1/rules", GET, Endpoint::Nothing(r#"{"groups":[]}"#)),
    route("/api/v1/alerts", GET, Endpoint::Nothing(r#"{"alerts":[]}"#)),
    route(
        "/api/v1/alertmanagers",
        GET,
        Endpoint::Nothing(r#"{"activeAlertmanagers":[],"droppedAlertmanagers":[]}"#),
    ),
    route(
        "/api/v1/targets",
        GET,
        Endpoint::Nothing(r#"{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{}}"#),
    ),
    route("/api/v1/targets/metadata", GET, Endpoint::Nothing("[]")),
    route("/api/v1/scrape_pools", GET, Endpoint::Nothing(r#"{"scrapePools":[]}"#)),
    route("/api/v1/notifications", GET, Endpoint::Nothing("[]")),
    route("/", GET_HEAD, Endpoint::Index),
    route("/-/healthy", GET_HEAD, Endpoint::Healthy),
    route("/-/ready", GET_HEAD, Endpoint::Ready),
    route("/-/reload", GET_POST_PUT, Endpoint::Reload),
];

/// The endpoint of [`Endpoint::Metrics`], whose path is a setting.
pub(super) static METRICS: Route = route("/metrics", GET, Endpoint::Metrics);

/// The route of a path, and the value of its parameter, decoded but perhaps
/// not UTF-8.
#[must_use]
pub(super) fn find(path: &str) -> Option<(&'static Route, Option<Vec<u8>>)> {
    ROUTES
        .iter()
        .find_map(|route| match_path(route.pattern, path).map(|parameter| (route, parameter)))
}

/// The parameter, if the path fits.
fn match_path(pattern: &str, path: &str) -> Option<Option<Vec<u8>>> {
    let Some((before, after)) = pattern.split_once(":name") else {
        return (pattern == path).then_some(None);
    };
    let segment = path.strip_prefix(before)?.strip_suffix(after)?;
    if segment.is_empty() || segment.contains('/') {
        return None;
    }
    decode_segment(segment.as_bytes()).ok().map(Some)
}

impl Route {
    /// True if the method is taken.
    #[must_use]
    pub(super) fn takes(&self, method: &Method) -> bool {
        self.methods.contains(method)
    }

    /// The value of an `Allow` header.
    #[must_use]
    pub(super) fn allowed(&self) -> String {
        let mut names: Vec<&str> = self.methods.iter().map(Method::as_str).collect();
        names.push("OPTIONS");
        names.sort_unstable();
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_one_decoded_segment() {
        let found = |path: &str| find(path).map(|(route, parameter)| (route.endpoint, parameter));
        assert_eq!(
            found("/api/v1/label/job/values"),
            Some((Endpoint::LabelValues, Some(b"job".to_vec())))
        );
        assert_eq!(
            found("/api/v1/label/a%2Fb%20c+d/values"),
            Some((Endpoint::LabelValues, Some(b"a/b c+d".to_vec())))
        );
        for path in [
            "/api/v1/label//values",
            "/api/v1/label/a/b/values",
            "/api/v1/label/%zz/values",
            "/api/v1/query/",
        ] {
            assert_eq!(found(path), None, "{path}");
        }
    }

    #[test]
    fn the_allow_header_names_every_method() {
        let (route, _) = find("/api/v1/query").expect("a route");
        assert_eq!(route.allowed(), "GET, OPTIONS, POST");
        assert!(route.takes(&Method::POST) && !route.takes(&Method::HEAD));
    }

    #[test]
    fn what_promweave_never_has_is_valid_json() {
        for route in ROUTES {
            if let Endpoint::Nothing(json) = route.endpoint {
                assert!(serde_json::from_str::<serde_json::Value>(json).is_ok(), "{json}");
            }
        }
    }
}
