//! What anybody may see: probes, and a page for people.

use super::route::Target;
use super::{Access, Content, Reply};

/// The answer to an open path.
pub(super) fn of(target: &Target, access: &Access) -> Reply {
    let plain = |text: &str| Content::Text("text/plain; charset=utf-8", text.to_owned());
    Reply::of(match target {
        Target::Healthy => plain("promweave is Healthy.\n"),
        Target::Ready => plain("promweave is Ready.\n"),
        _ => Content::Text("text/html; charset=utf-8", index(access)),
    })
}

/// Methods, paths and what they are for.
const PATHS: [(&str, &str); 12] = [
    ("GET /api/v1/policies", "all policies"),
    ("GET /api/v1/policies/NAME", "the versions of one"),
    ("PUT /api/v1/policies/NAME", "upload a component: curl -T FILE"),
    ("GET /api/v1/policies/NAME/DIGEST", "a component's bytes; DIGEST may be latest"),
    ("DELETE /api/v1/policies/NAME[/DIGEST]", "forget it, unless it is bound"),
    ("GET /api/v1/server_groups", "all server groups and what is bound to them"),
    ("GET /api/v1/server_groups/GROUP/policy", "one of them"),
    (
        "PUT /api/v1/server_groups/GROUP/policy",
        "bind: {\"name\":\"median\",\"settings\":{},\"shadow\":true}",
    ),
    ("DELETE /api/v1/server_groups/GROUP/policy[?shadow=true]", "take that back"),
    ("POST /api/v1/server_groups/GROUP/policy/promote", "make the shadow active"),
    ("POST /api/v1/server_groups/GROUP/policy/rollback", "make the previous one active"),
    ("GET /-/healthy, GET /-/ready", "probes"),
];

fn index(access: &Access) -> String {
    let who = match access {
        Access::Loopback => "This machine may ask.",
        Access::Credentials { .. } => "Send the header <code>Authorization: Bearer TOKEN</code>.",
    };
    let rows: String = PATHS
        .iter()
        .map(|(path, what)| format!("<tr><td><code>{path}</code></td><td>{what}</td></tr>\n"))
        .collect();
    format!(
        "<!doctype html>\n<title>promweave admin</title>\n<h1>promweave admin</h1>\n<p>{who}</p>\n\
         <ul>\n<li><a href=\"/api/v1/policies\">policies</a></li>\n\
         <li><a href=\"/api/v1/server_groups\">server groups</a></li>\n</ul>\n<table>\n{rows}</table>\n"
    )
}
