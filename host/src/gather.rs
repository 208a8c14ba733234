//! (being written)

pub mod chunks;
pub mod columns;
pub mod matrix;
pub mod remote_read;
pub mod reply;

mod weight;
