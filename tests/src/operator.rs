//! What an operator does with policies: the admin endpoints, spoken to over
//! HTTP.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::{Client, Request, Response};

/// The admin side of a proxy.
#[derive(Clone, Copy, Debug)]
pub struct Operator(pub Client);

impl Operator {
    /// Uploads a component under a name.
    #[must_use]
    pub fn upload(&self, name: &str, wasm: &[u8]) -> Response {
        self.send("PUT", &format!("/api/v1/policies/{name}"), wasm.to_vec())
    }

    /// Uploads what must be taken, and returns its digest.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn upload_good(&self, name: &str, wasm: &[u8]) -> String {
        let answer = good(&self.upload(name, wasm));
        answer["version"]["digest"].as_str().expect("an upload has a digest").to_owned()
    }

    /// Binds a policy to a group; `wish` is the body of the request.
    #[must_use]
    pub fn bind(&self, group: &str, wish: &Value) -> Response {
        let body = wish.to_string().into_bytes();
        self.send("PUT", &format!("/api/v1/server_groups/{group}/policy"), body)
    }

    /// Binds what must be taken; returns the group.
    ///
    /// # Panics
    /// When it is refused.
    pub fn bind_good(&self, group: &str, wish: &Value) -> Value {
        good(&self.bind(group, wish))
    }

    /// Binds the newest version of a name with default settings.
    ///
    /// # Panics
    /// When it is refused.
    pub fn bind_name(&self, group: &str, name: &str) -> Value {
        self.bind_good(group, &json!({ "name": name }))
    }

    /// `promote` or `rollback`.
    #[must_use]
    pub fn act(&self, group: &str, action: &str) -> Response {
        self.send("POST", &format!("/api/v1/server_groups/{group}/policy/{action}"), Vec::new())
    }

    /// Takes the group's active policy back.
    #[must_use]
    pub fn unbind(&self, group: &str) -> Response {
        self.send("DELETE", &format!("/api/v1/server_groups/{group}/policy"), Vec::new())
    }

    /// Deletes a policy, or one version: `name` or `name/digest`.
    #[must_use]
    pub fn delete(&self, policy: &str) -> Response {
        self.send("DELETE", &format!("/api/v1/policies/{policy}"), Vec::new())
    }

    /// What is told of a path below `/api/v1/`.
    ///
    /// # Panics
    /// When it is an error.
    #[must_use]
    pub fn get(&self, path: &str) -> Value {
        good(&self.0.get(&format!("/api/v1/{path}"), &[]))
    }

    /// The bytes of the built-in policy.
    ///
    /// # Panics
    /// When they are not given.
    #[must_use]
    pub fn builtin(&self) -> Vec<u8> {
        let policy = self.get("policies/fill");
        let digest = policy["versions"][0]["digest"].as_str().expect("it has a version");
        let response = self.0.get(&format!("/api/v1/policies/fill/{digest}"), &[]);
        assert_eq!(response.status, 200, "{}", response.text());
        response.body
    }

    /// Sends a request on a connection of its own.
    ///
    /// # Panics
    /// When no complete answer arrives.
    #[must_use]
    pub fn send(&self, method: &'static str, target: &str, body: Vec<u8>) -> Response {
        let request = Request { method, target: target.to_owned(), headers: Vec::new(), body };
        self.0.send(&request).unwrap_or_else(|error| panic!("{method} {target}: {error}"))
    }
}

/// The data of an answer that must be a success.
///
/// # Panics
/// When it is an error.
#[must_use]
pub fn good(response: &Response) -> Value {
    let answer = response.json();
    assert!((200..300).contains(&response.status), "{} {answer}", response.status);
    answer["data"].clone()
}

/// The text of an answer that must be an error of this status.
///
/// # Panics
/// When it is something else.
#[must_use]
pub fn refused(response: &Response, status: u16) -> String {
    let answer = response.json();
    assert_eq!(response.status, status, "{answer}");
    assert_eq!(answer["status"], "error", "{answer}");
    answer["error"].as_str().expect("an error has a text").to_owned()
}

/// A component with another digest: an empty custom section is added, which
/// means nothing.
#[must_use]
pub fn marked(wasm: &[u8], mark: &str) -> Vec<u8> {
    let name = mark.len().try_into().ok().filter(|length| *length < 127_u8);
    let length = name.expect("a mark is short");
    let mut marked = wasm.to_vec();
    marked.extend([0, length + 1, length]);
    marked.extend(mark.as_bytes());
    marked
}

/// Waits until `done`, looking again and again.
///
/// # Panics
/// When it takes longer than half a minute.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < limit, "{what} did not come to pass");
        std::thread::sleep(Duration::from_millis(10));
    }
}
