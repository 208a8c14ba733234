//! PromQL as a pure library: the data model, the language, and its evaluation
//! over columns.
//!
//! Data arrives already fetched; nothing here does I/O, awaits, or reads a
//! clock. What a query may cost comes in as a plain budget value.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failing test panics"))]

