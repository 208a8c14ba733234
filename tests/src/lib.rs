//! The harness of the end-to-end tests: real Prometheus servers, the real
//! proxy executable, faulty servers, generated data, and the comparison of
//! answers.
//!
//! Nothing here knows the proxy's code: it is started as a program and spoken
//! to over HTTP. A helper that cannot do its work panics with what it saw,
//! because its caller is always a test.

pub mod compare;
pub mod cost;
pub mod data;
pub mod differ;
pub mod exporter;
pub mod faulty;
pub mod fleet;
pub mod forward;
pub mod guest;
pub mod http;
pub mod modes;
pub mod operator;
pub mod policies;
pub mod process;
pub mod prometheus;
pub mod proxy;
pub mod queries;
pub mod remote_read;
pub mod remote_write;
pub mod scene;
pub mod script;
pub mod serve;
pub mod tls;
mod wire;
