//! Which web pages may read answers (prometheus/util/httputil/cors.go).

use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use promql::regex::{self, Pattern};

/// The origins that may read answers.
#[derive(Clone, Debug)]
pub struct Cors(Pattern);

impl Cors {
    /// Origins that match a regular expression as a whole.
    ///
    /// # Errors
    /// When it is no regular expression.
    pub fn new(pattern: &str) -> Result<Self, regex::Error> {
        Pattern::new(pattern.as_bytes()).map(Self)
    }

    /// Adds the headers that a browser looks for.
    pub(super) fn apply(&self, request: &HeaderMap, response: &mut HeaderMap) {
        response.append(VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = request.get(ORIGIN).filter(|origin| !origin.is_empty()) else {
            return;
        };
        let fixed = [
            (ACCESS_CONTROL_ALLOW_HEADERS, "Accept, Authorization, Content-Type, Origin"),
            (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
            (ACCESS_CONTROL_EXPOSE_HEADERS, "Date"),
        ];
        for (name, value) in fixed {
            response.insert(name, HeaderValue::from_static(value));
        }
        // Prometheus means to answer `*` where any origin may read, but compares
        // the pattern with another than its own, so it always names the origin.
        if origin.to_str().is_ok_and(|origin| self.0.is_match(origin)) {
            response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        }
    }
}
