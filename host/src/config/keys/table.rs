//! The table of keys: promxy's, in the order of its documentation, and ours.

use super::Kind::{Ignored, List, Map, NotYet, Value};
use super::{Kind, Section};

/// All sections, for the hint that a key belongs elsewhere.
pub(super) const SECTIONS: &[&Section] = &[
    &ROOT,
    &GLOBAL,
    &PROMXY,
    &SERVER_GROUP,
    &STATIC_CONFIG,
    &POLICY,
    &POLICY_LIMITS,
    &RECORD,
    &HTTP_CLIENT,
    &TLS,
    &BASIC_AUTH,
    &AUTHORIZATION,
];

const NO_SCRAPE: &str = "read and ignored, as in promxy: nothing is scraped here";
const NO_STORE: &str = "read and ignored, as in promxy: nothing is stored here";
const UNUSED: &str = "read and ignored, as in promxy";
const NO_RULES: &str = "rules are not evaluated here";
const NO_DISCOVERY: &str = "list the servers in `static_configs`";

pub(super) static ROOT: Section = Section {
    path: "",
    keys: &[
        ("global", Map(&GLOBAL)),
        ("promxy", Map(&PROMXY)),
        (
            "tls_server_config",
            Ignored(
                "read and ignored, as in promxy: TLS of the own listener is set by --web.config.file",
            ),
        ),
        ("rule_files", NotYet(NO_RULES)),
        ("alerting", NotYet(NO_RULES)),
        ("remote_write", NotYet(NO_RULES)),
        ("scrape_configs", Ignored(NO_SCRAPE)),
        ("scrape_config_files", Ignored(NO_SCRAPE)),
        ("remote_read", Ignored("read and ignored, as in promxy: set it in a server group")),
        ("storage", Ignored(NO_STORE)),
        ("tracing", Ignored(UNUSED)),
        ("otlp", Ignored(NO_STORE)),
        ("runtime", Ignored(UNUSED)),
    ],
};

static GLOBAL: Section = Section {
    path: "global",
    keys: &[
        ("evaluation_interval", Value),
        ("external_labels", Value),
        ("query_log_file", NotYet("")),
        ("rule_query_offset", Ignored(UNUSED)),
        ("scrape_interval", Ignored(NO_SCRAPE)),
        ("scrape_timeout", Ignored(NO_SCRAPE)),
        ("scrape_protocols", Ignored(NO_SCRAPE)),
        ("scrape_failure_log_file", Ignored(NO_SCRAPE)),
        ("scrape_native_histograms", Ignored(NO_SCRAPE)),
        ("body_size_limit", Ignored(NO_SCRAPE)),
        ("sample_limit", Ignored(NO_SCRAPE)),
        ("target_limit", Ignored(NO_SCRAPE)),
        ("label_limit", Ignored(NO_SCRAPE)),
        ("label_name_length_limit", Ignored(NO_SCRAPE)),
        ("label_value_length_limit", Ignored(NO_SCRAPE)),
        ("keep_dropped_targets", Ignored(NO_SCRAPE)),
        ("metric_name_validation_scheme", Ignored(NO_SCRAPE)),
        ("metric_name_escaping_scheme", Ignored(NO_SCRAPE)),
        ("convert_classic_histograms_to_nhcb", Ignored(NO_SCRAPE)),
        ("always_scrape_classic_histograms", Ignored(NO_SCRAPE)),
        ("extra_scrape_metrics", Ignored(NO_SCRAPE)),
    ],
};

static PROMXY: Section =
    Section { path: "promxy", keys: &[("server_groups", List(&SERVER_GROUP))] };

static SERVER_GROUP: Section = Section {
    path: "promxy.server_groups[]",
    keys: &[
        ("name", Value),
        ("static_configs", List(&STATIC_CONFIG)),
        ("labels", Value),
        ("scheme", Value),
        ("path_prefix", Value),
        ("query_params", Value),
        ("http_headers", Value),
        ("timeout", Value),
        ("max_idle_conns", Value),
        ("max_idle_conns_per_host", Value),
        ("idle_conn_timeout", Value),
        ("anti_affinity", Value),
        ("anti_affinity_dynamic", Value),
        ("prefer_max", Value),
        ("policy", Map(&POLICY)),
        ("remote_read", Value),
        ("remote_read_path", Value),
        ("pushdown", Value),
        ("pushdown_min_samples", Value),
        ("align_query_range_with_step", Value),
        ("ignore_error", Value),
        ("downgrade_error", Value),
        ("record", Map(&RECORD)),
        ("http_client", Map(&HTTP_CLIENT)),
        ("relabel_configs", NotYet("set labels in `static_configs`")),
        ("metrics_relabel_configs", NotYet("")),
        ("inject_matchers", NotYet("")),
        ("label_filter", NotYet("")),
        ("native_histogram", NotYet("")),
        ("relative_time_range", NotYet("")),
        ("absolute_time_range", NotYet("")),
        ("azure_sd_configs", NotYet(NO_DISCOVERY)),
        ("consul_sd_configs", NotYet(NO_DISCOVERY)),
        ("digitalocean_sd_configs", NotYet(NO_DISCOVERY)),
        ("dns_sd_configs", NotYet(NO_DISCOVERY)),
        ("docker_sd_configs", NotYet(NO_DISCOVERY)),
        ("dockerswarm_sd_configs", NotYet(NO_DISCOVERY)),
        ("ec2_sd_configs", NotYet(NO_DISCOVERY)),
        ("eureka_sd_configs", NotYet(NO_DISCOVERY)),
        ("file_sd_configs", NotYet(NO_DISCOVERY)),
        ("gce_sd_configs", NotYet(NO_DISCOVERY)),
        ("hetzner_sd_configs", NotYet(NO_DISCOVERY)),
        ("http_sd_configs", NotYet(NO_DISCOVERY)),
        ("ionos_sd_configs", NotYet(NO_DISCOVERY)),
        ("kubernetes_sd_configs", NotYet(NO_DISCOVERY)),
        ("kuma_sd_configs", NotYet(NO_DISCOVERY)),
        ("lightsail_sd_configs", NotYet(NO_DISCOVERY)),
        ("linode_sd_configs", NotYet(NO_DISCOVERY)),
        ("marathon_sd_configs", NotYet(NO_DISCOVERY)),
        ("nerve_sd_configs", NotYet(NO_DISCOVERY)),
        ("nomad_sd_configs", NotYet(NO_DISCOVERY)),
        ("openstack_sd_configs", NotYet(NO_DISCOVERY)),
        ("ovhcloud_sd_configs", NotYet(NO_DISCOVERY)),
        ("puppetdb_sd_configs", NotYet(NO_DISCOVERY)),
        ("scaleway_sd_configs", NotYet(NO_DISCOVERY)),
        ("serverset_sd_configs", NotYet(NO_DISCOVERY)),
        ("stackit_sd_configs", NotYet(NO_DISCOVERY)),
        ("triton_sd_configs", NotYet(NO_DISCOVERY)),
        ("uyuni_sd_configs", NotYet(NO_DISCOVERY)),
        ("vultr_sd_configs", NotYet(NO_DISCOVERY)),
    ],
};

static STATIC_CONFIG: Section = Section {
    path: "promxy.server_groups[].static_configs[]",
    keys: &[("targets", Value), ("labels", Value)],
};

static POLICY: Section = Section {
    path: "promxy.server_groups[].policy",
    keys: &[
        ("name", Value),
        ("digest", Value),
        ("path", Value),
        ("settings", Value),
        ("limits", Map(&POLICY_LIMITS)),
        ("fail", Value),
        ("park_after", Value),
        ("shadow", Value),
    ],
};

static POLICY_LIMITS: Section = Section {
    path: "promxy.server_groups[].policy.limits",
    keys: &[("deadline", Value), ("memory", Value), ("answer", Value), ("table_elements", Value)],
};

static RECORD: Section = Section {
    path: "promxy.server_groups[].record",
    keys: &[("dir", Value), ("max_bytes", Value), ("sample", Value)],
};

/// promxy parses all of Prometheus's client settings here and uses some.
static HTTP_CLIENT: Section = Section {
    path: "promxy.server_groups[].http_client",
    keys: &[
        ("dial_timeout", Value),
        ("tls_config", Map(&TLS)),
        ("basic_auth", Map(&BASIC_AUTH)),
        ("authorization", Map(&AUTHORIZATION)),
        ("bearer_token", Value),
        ("bearer_token_file", Value),
        ("oauth2", NotYet("")),
        ("sigv4", NotYet("")),
        ("proxy_url", NotYet("")),
        ("proxy_from_environment", Ignored(UNUSED)),
        ("proxy_connect_header", Ignored(UNUSED)),
        ("no_proxy", Ignored(UNUSED)),
        ("follow_redirects", Ignored(UNUSED)),
        ("enable_http2", Ignored(UNUSED)),
        (
            "http_headers",
            Ignored(
                "read and ignored, as in promxy: the `http_headers` of the server group are sent",
            ),
        ),
    ],
};

/// References to a secret store, which Prometheus has no implementation of.
const NO_REFERENCE: Kind = NotYet("write the text itself or name a file");

static TLS: Section = Section {
    path: "promxy.server_groups[].http_client.tls_config",
    keys: &[
        ("ca", Value),
        ("cert", Value),
        ("key", Value),
        ("ca_file", Value),
        ("cert_file", Value),
        ("key_file", Value),
        ("ca_ref", NO_REFERENCE),
        ("cert_ref", NO_REFERENCE),
        ("key_ref", NO_REFERENCE),
        ("server_name", Value),
        ("insecure_skip_verify", Value),
        ("min_version", Value),
        ("max_version", Value),
    ],
};

static BASIC_AUTH: Section = Section {
    path: "promxy.server_groups[].http_client.basic_auth",
    keys: &[
        ("username", Value),
        ("username_file", Value),
        ("username_ref", NO_REFERENCE),
        ("password", Value),
        ("password_file", Value),
        ("password_ref", NO_REFERENCE),
    ],
};

static AUTHORIZATION: Section = Section {
    path: "promxy.server_groups[].http_client.authorization",
    keys: &[
        ("type", Value),
        ("credentials", Value),
        ("credentials_file", Value),
        ("credentials_ref", NO_REFERENCE),
    ],
};

/// The sections of the web configuration file.
pub(super) const WEB_SECTIONS: &[&Section] = &[&WEB, &WEB_TLS, &WEB_HTTP, &WEB_HEADERS];

/// The web configuration file: prometheus/exporter-toolkit's.
pub(super) static WEB: Section = Section {
    path: "",
    keys: &[
        ("tls_server_config", Map(&WEB_TLS)),
        ("http_server_config", Map(&WEB_HTTP)),
        ("basic_auth_users", Value),
        ("rate_limit", NotYet("connections and queries have limits of their own")),
    ],
};

static WEB_TLS: Section = Section {
    path: "tls_server_config",
    keys: &[
        ("cert", Value),
        ("key", Value),
        ("client_ca", Value),
        ("cert_file", Value),
        ("key_file", Value),
        ("client_auth_type", Value),
        ("client_ca_file", Value),
        ("min_version", Value),
        ("max_version", Value),
        ("client_allowed_sans", NotYet("use an authority that signs only those who may")),
        (
            "cipher_suites",
            NotYet("the suites of TLS 1.2 and 1.3 without known weaknesses are spoken"),
        ),
        ("curve_preferences", NotYet("X25519 and the curves P-256 and P-384 are spoken")),
        (
            "prefer_server_cipher_suites",
            Ignored("read and ignored, as in Prometheus since Go 1.17"),
        ),
    ],
};

static WEB_HTTP: Section = Section {
    path: "http_server_config",
    keys: &[("http2", Value), ("headers", Map(&WEB_HEADERS))],
};

static WEB_HEADERS: Section = Section {
    path: "http_server_config.headers",
    keys: &[
        ("Content-Security-Policy", Value),
        ("Strict-Transport-Security", Value),
        ("X-Content-Type-Options", Value),
        ("X-Frame-Options", Value),
        ("X-XSS-Protection", Value),
    ],
};
