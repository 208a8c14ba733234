//! PromQL as a pure library: the data model, the language, and its evaluation
//! over columns.
//!
//! Data arrives already fetched; nothing here does I/O, awaits, or reads a
//! clock. What a query may cost comes in as a plain budget value.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failing test panics"))]

pub mod annotations;
pub mod ast;
pub mod budget;
mod calendar;
pub mod duration;
pub mod durations;
mod eval;
pub mod functions;
pub mod gomath;
pub mod histogram;
mod kahan;
pub mod labels;
mod lexer;
pub mod matcher;
mod math;
pub mod number;
pub mod parser;
mod plan;
pub mod printer;
pub mod query;
pub mod quote;
pub mod regex;
pub mod series;
pub mod value;
pub mod workers;

pub use histogram::{CounterResetHint, Histogram, Span};
pub use labels::{Labels, LabelsBuilder};
pub use series::{SeriesBatch, SeriesRef};
