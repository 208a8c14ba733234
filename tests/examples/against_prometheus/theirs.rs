//! What Prometheus takes for a query.

use e2e::compare::seconds;
use e2e::http::Response;
use e2e::prometheus::Prometheus;

use crate::cases::{Case, Size};
use crate::clock;

/// Requests of one measurement, at least.
const REQUESTS: usize = 3;

/// The server's side of a comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Theirs {
    /// CPU time of its process, per request.
    pub(crate) cpu_ms: f64,
    pub(crate) requests: usize,
    /// How far its memory rose above what it held before.
    pub(crate) growth_mib: f64,
}

/// Its answer.
pub(crate) fn ask(server: &Prometheus, case: &Case) -> Response {
    let (start, end) = (seconds(case.start_ms), seconds(case.end_ms));
    let step = seconds(case.step_ms);
    let params = [("query", &case.query), ("start", &start), ("end", &end), ("step", &step)];
    let response = server
        .client
        .post("/api/v1/query_range", &params.map(|(name, value)| (name, value.as_str())));
    assert_eq!(response.status, 200, "{}: {}", case.name, response.text());
    response
}

/// Asks the query until enough CPU time went into it. The caller has asked it
/// once, so that nothing is done for the first time.
pub(crate) fn measure(server: &Prometheus, case: &Case, size: Size) -> Theirs {
    let process = server.process_id();
    let name = process.to_string();
    clock::forget_peak(&name);
    let held = clock::memory_mib(&name, "VmRSS");
    let before = clock::cpu_ms(process);
    let mut requests = 0;
    while requests < REQUESTS || clock::cpu_ms(process) - before < size.seconds * 1e3 {
        ask(server, case);
        requests += 1;
    }
    Theirs {
        cpu_ms: (clock::cpu_ms(process) - before) / requests as f64,
        requests,
        growth_mib: clock::memory_mib(&name, "VmHWM") - held,
    }
}
