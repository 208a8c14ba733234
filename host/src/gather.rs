//! Scatter-gather: a question to every replica of every server group, and
//! their answers as one.
//!
//! In: selectors with absolute times. Out: merged columns with the groups'
//! labels, and a warning for each thing that is missing. What the samples
//! mean is not known here.

pub mod chunks;
pub mod client;
pub mod columns;
pub mod coverage;
pub mod dialect;
pub mod external;
pub mod group;
pub mod matrix;
pub mod push;
pub mod remote_read;
pub mod replica;
pub mod reply;
pub mod scope;
pub mod staleness;
pub mod tls;

mod bound;
mod concat;
mod error;
mod explain;
mod fleet;
mod parts;
mod patience;
mod pieces;
#[cfg(test)]
mod testing;
mod weight;
mod witness;

pub use error::{Error, GroupError};
pub use fleet::{Fleet, SetUpError};
