//! A scrape target with a fixed exposition: what metadata comes from.

use std::io::Write;
use std::net::SocketAddr;

use crate::serve::Server;

/// Metric types, help texts and units of all kinds, with escapes.
const EXPOSITION: &str = "\
# TYPE jobs_done counter
# HELP jobs_done Jobs done, \\\"quoted\\\" and with a backslash \\\\.
jobs_done_total{queue=\"fast\"} 42
jobs_done_total{queue=\"slow\"} 7
# TYPE water_level_meters gauge
# UNIT water_level_meters meters
# HELP water_level_meters Height & <depth>.
water_level_meters 1.5
# TYPE waiting_seconds histogram
# UNIT waiting_seconds seconds
# HELP waiting_seconds Time spent waiting.
waiting_seconds_bucket{le=\"1.0\"} 3
waiting_seconds_bucket{le=\"+Inf\"} 4
waiting_seconds_sum 5.5
waiting_seconds_count 4
# EOF
";

/// A running target.
#[derive(Debug)]
pub struct Exporter {
    server: Server,
}

impl Exporter {
    /// Starts it.
    #[must_use]
    pub fn start() -> Self {
        let server = Server::start(|_, mut stream, _| {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            let length = EXPOSITION.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes())?;
            stream.write_all(EXPOSITION.as_bytes())
        });
        Self { server }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.server.address
    }
}
