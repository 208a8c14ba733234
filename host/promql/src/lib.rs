//! PromQL as a pure library: the data model, the language, and its evaluation
//! over columns.
//!
//! Data arrives already fetched; nothing here does I/O, awaits, or reads a
//! clock. What a query may cost comes in as a plain budget value.

pub mod annotations;
pub mod ast;
pub mod budget;
mod calendar;
pub mod duration;
pub mod functions;
pub mod gomath;
pub mod histogram;
mod kahan;
pub mod labels;
pub mod matcher;
mod math;
pub mod number;
pub mod quote;
pub mod regex;
pub mod series;

pub use histogram::{CounterResetHint, Histogram, Span};
pub use labels::{Labels, LabelsBuilder};
pub use series::{SeriesBatch, SeriesRef};
