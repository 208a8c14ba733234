//! The configuration is read again: by SIGHUP, and by POST where it is allowed.

use std::io::Write;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use e2e::http::Request;
use e2e::operator::until;
use e2e::proxy::{Builder, Group, Proxy};
use e2e::serve::Server;
use serde_json::json;

/// How long a test waits for something that must come to pass.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server with one series of one sample, whose label tells the server; its
/// answers wait for a word if there is a gate.
fn server(name: &'static str, gate: Option<Gate>) -> Server {
    Server::start(move |request, mut stream, _| {
        if let Some(gate) = &gate {
            gate.pass();
        }
        let time = request.parameter("time").or_else(|| request.parameter("end"));
        let time: f64 = time.and_then(|time| time.parse().ok()).unwrap_or_default();
        let query = request.parameter("query").unwrap_or_default();
        let metric = json!({ "__name__": "up", "from": name });
        let data = if request.path.ends_with("/labels") {
            json!(["__name__", name])
        } else if query.contains('[') || request.path.ends_with("_range") {
            let series = json!({ "metric": metric, "values": [[time, "1"]] });
            json!({ "resultType": "matrix", "result": [series] })
        } else {
            let series = json!({ "metric": metric, "value": [time, "1"] });
            json!({ "resultType": "vector", "result": [series] })
        };
        let body = json!({ "status": "success", "data": data }).to_string();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
    })
}

/// Says that somebody is there, and waits until it is open.
struct Gate {
    arrived: Mutex<Sender<()>>,
    opened: Arc<Mutex<Option<Receiver<()>>>>,
}

impl Gate {
    fn pass(&self) {
        // The test may have seen enough.
        let _ = self.arrived.lock().expect("no panic").send(());
        let mut opened = self.opened.lock().expect("no panic");
        // The first one waits, and with it all others; then it stays open.
        if let Some(opened) = opened.take() {
            let _ = opened.recv_timeout(PATIENCE);
        }
    }
}

fn group_of(server: &Server) -> Group {
    Group::new(&[server.address.to_string()]).set("remote_read", false).set("pushdown", "never")
}

fn config_of(server: &Server) -> String {
    Proxy::builder().group(group_of(server)).config()
}

fn proxy_of(server: &Server) -> Builder {
    Proxy::builder().group(group_of(server)).flag("--web.enable-lifecycle")
}

fn label_names(proxy: &Proxy) -> String {
    proxy.client.get("/api/v1/labels", &[]).text()
}

/// Values of the label that tells the server.
fn asked(proxy: &Proxy) -> String {
    let answer = proxy.client.get("/api/v1/query", &[("query", "up"), ("time", "1699999200")]);
    answer.json()["data"]["result"][0]["metric"]["from"].as_str().unwrap_or("nobody").to_owned()
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        thread::yield_now();
    }
}

#[test]
fn a_reload_by_http_puts_the_new_configuration_into_force() {
    let (one, two) = (server("one", None), server("two", None));
    let proxy = proxy_of(&one).start();
    assert_eq!((asked(&proxy).as_str(), label_names(&proxy).contains("one")), ("one", true));
    let loaded = |proxy: &Proxy| {
        proxy.client.get("/api/v1/status/runtimeinfo", &[]).json()["data"]["lastConfigTime"].clone()
    };
    let before = loaded(&proxy);
    proxy.rewrite_config(
        &config_of(&two).replace("\"static_configs\"", "\"name\": \"second\", \"static_configs\""),
    );
    let response = proxy.client.post("/-/reload", &[]);
    assert_eq!((response.status, response.text().as_str()), (200, ""));
    assert_eq!((asked(&proxy).as_str(), label_names(&proxy).contains("two")), ("two", true));
    assert_ne!(loaded(&proxy), before);
    let config = proxy.client.get("/api/v1/status/config", &[]).text();
    assert!(
        config.contains(&two.address.to_string()) && !config.contains(&one.address.to_string())
    );
    let metrics = proxy.client.get("/metrics", &[]).text();
    let targets = metrics.lines().filter(|line| line.starts_with("server_group_targets{"));
    assert_eq!(
        targets.collect::<Vec<_>>(),
        ["server_group_targets{ordinal=\"0\",name=\"second\"} 1"]
    );
    let put = Request { method: "PUT", ..Request::get("/-/reload", &[]) };
    assert_eq!(proxy.client.send(&put).expect("an answer").status, 200);
    assert_eq!(proxy.client.get("/-/reload", &[]).status, 405);
    let flags = proxy.client.get("/api/v1/status/flags", &[]).json();
    assert_eq!(flags["data"]["web.enable-lifecycle"], "true");
}

#[test]
fn sighup_reloads_without_the_flag() {
    let (one, two) = (server("one", None), server("two", None));
    let proxy = Proxy::builder().group(group_of(&one)).start();
    assert_eq!(proxy.client.post("/-/reload", &[]).status, 403);
    proxy.rewrite_config(&config_of(&two));
    proxy.hang_up();
    wait_until("the new server is asked", || asked(&proxy) == "two");
}

#[test]
fn a_bad_file_changes_nothing_and_is_told_everywhere() {
    let one = server("one", None);
    let proxy = proxy_of(&one).start();
    let config = proxy.client.get("/api/v1/status/config", &[]).text();
    let metric = |name: &str| {
        let metrics = proxy.client.get("/metrics", &[]).text();
        let line = metrics.lines().find(|line| line.starts_with(&format!("{name} ")));
        line.map(|line| line[name.len() + 1..].to_owned())
    };
    let successful = "prometheus_config_last_reload_successful";
    let time = "prometheus_config_last_reload_success_timestamp_seconds";
    let before = metric(time);
    assert_eq!(metric(successful).as_deref(), Some("1"));
    for (bad, expected) in [
        (
            "promxy:\n  server_groups:\n    - nane: a\n",
            "config.yaml:3:7: promxy.server_groups[0].nane",
        ),
        ("promxy: [", "config.yaml:"),
        (
            "promxy:\n  server_groups:\n    - policy: {name: median}\n",
            "config.yaml:3:16: promxy.server_groups[0].policy.name: there is no policy median",
        ),
        (
            "promxy:\n  server_groups:\n    - static_configs: [{targets: [a]}]\n      http_client: {tls_config: {ca_file: none.pem}}\n",
            "none.pem",
        ),
    ] {
        proxy.rewrite_config(bad);
        let response = proxy.client.post("/-/reload", &[]);
        let text = response.text();
        assert_eq!(response.status, 500, "{text}");
        assert!(text.starts_with("failed to reload config: ") && text.contains(expected), "{text}");
        until(expected, || proxy.log().contains(expected));
        assert_eq!(asked(&proxy), "one");
        assert_eq!(metric(successful).as_deref(), Some("0"));
    }
    assert_eq!(metric(time), before);
    assert_eq!(proxy.client.get("/api/v1/status/config", &[]).text(), config);
    let info = proxy.client.get("/api/v1/status/runtimeinfo", &[]).json();
    assert_eq!(info["data"]["reloadConfigSuccess"], false);
    let targets = "server_group_targets{ordinal=\"0\",name=\"\"}";
    assert_eq!(metric(targets).as_deref(), Some("1"));
    // A good one puts it right.
    proxy.rewrite_config(&config_of(&one));
    assert_eq!(proxy.client.post("/-/reload", &[]).status, 200);
    assert_eq!(metric(successful).as_deref(), Some("1"));
}

#[test]
fn a_query_that_runs_ends_on_what_it_began_with() {
    let (arrived, has_arrived) = mpsc::channel();
    let (open, opened) = mpsc::channel();
    let opened = Arc::new(Mutex::new(Some(opened)));
    let gate = Gate { arrived: Mutex::new(arrived), opened };
    let (old, new) = (server("old", Some(gate)), server("new", None));
    let proxy = proxy_of(&old).start();
    thread::scope(|scope| {
        let running = scope.spawn(|| asked(&proxy));
        has_arrived.recv_timeout(PATIENCE).expect("the old server is asked");
        proxy.rewrite_config(&config_of(&new));
        assert_eq!(proxy.client.post("/-/reload", &[]).status, 200);
        assert_eq!(asked(&proxy), "new");
        open.send(()).expect("the server waits");
        assert_eq!(running.join().expect("an answer"), "old");
    });
}

#[test]
fn no_query_fails_while_the_configuration_is_read_again_and_again() {
    let (one, two) = (server("one", None), server("two", None));
    let proxy = proxy_of(&one).start();
    let configs = [config_of(&one), config_of(&two)];
    thread::scope(|scope| {
        let clients: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let answers = (0..150).map(|_| asked(&proxy));
                    answers.filter(|answer| !["one", "two"].contains(&answer.as_str())).count()
                })
            })
            .collect();
        for round in 0..40 {
            proxy.rewrite_config(&configs[round % 2]);
            assert_eq!(proxy.client.post("/-/reload", &[]).status, 200);
        }
        for client in clients {
            assert_eq!(client.join().expect("a client"), 0, "answers of neither server");
        }
    });
}
