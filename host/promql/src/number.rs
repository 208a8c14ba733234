//! Numbers as Prometheus writes and reads them.
