//! One line in the log for everything that changes something, or tries to:
//! who, what, and what came of it.

use std::sync::Arc;

use super::access::Caller;
use super::{Error, Reply};
use crate::telemetry::Metrics;

/// Something that is being done. Dropped without an outcome, it says that
/// there was none: the client left, or the work panicked.
pub(super) struct Action {
    name: &'static str,
    /// The policy, or empty.
    pub policy: String,
    /// The version, or empty.
    pub digest: String,
    /// The server group, or empty.
    pub group: String,
    caller: Caller,
    metrics: Arc<Metrics>,
    told: bool,
}

impl Action {
    /// Something begins.
    pub(super) fn new(name: &'static str, caller: Caller, metrics: Arc<Metrics>) -> Self {
        let (policy, digest, group) = (String::new(), String::new(), String::new());
        Self { name, policy, digest, group, caller, metrics, told: false }
    }

    /// It has ended.
    pub(super) fn ended(mut self, result: &Result<Reply, Error>) {
        match result {
            Ok(reply) => {
                self.policy = reply.policy.clone().unwrap_or(std::mem::take(&mut self.policy));
                self.digest = reply.digest.clone().unwrap_or_default();
                self.tell("success", reply.remark);
            }
            Err(error) => self.tell("error", &error.to_string()),
        }
    }

    /// It has ended before it began; gives the reason back.
    pub(super) fn failed(mut self, error: Error) -> Error {
        self.tell("error", &error.to_string());
        error
    }

    /// Words of others are quoted: they cannot look like a line of the log.
    fn tell(&mut self, outcome: &'static str, text: &str) {
        self.told = true;
        self.metrics.admin_action(self.name, outcome);
        tracing::info!(
            target: "audit",
            action = self.name,
            policy = ?cut(&self.policy, 80),
            digest = ?self.digest,
            server_group = ?cut(&self.group, 200),
            by = self.caller.name.as_deref().unwrap_or("loopback"),
            peer = self.caller.peer,
            outcome,
            detail = ?cut(text, 1000),
        );
    }
}

fn cut(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

impl Drop for Action {
    fn drop(&mut self) {
        if !self.told {
            self.tell("aborted", "the client left, or the work failed, before there was an answer");
        }
    }
}
