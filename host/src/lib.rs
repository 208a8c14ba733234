//! promweave: many Prometheus servers, one endpoint, one right answer.
//!
//! The modules are the stages of a request, in the order it meets them.

pub mod cli;
pub mod explain;
pub mod features;
pub mod policies_cli;
pub mod remote;
pub mod serve;

pub mod server;

pub mod admin;
pub mod api;
pub mod query;

pub mod plan;

pub mod storage;

pub mod gather;

pub mod policy;
pub mod registry;

pub mod config;
pub mod demo;
pub mod telemetry;
pub mod tls;
