//! The configuration file.
//!
//! promxy's `config.yaml`. Comes in: text. Goes out: a [`Config`], which has
//! only valid states, or every mistake with its place.

pub mod defaults;
mod model;
mod secret;

pub use model::{
    AntiAffinity, Auth, Client, Config, Global, Identity, OnFailure, RemoteRead, Scheme,
    ServerGroup, Target, Tls, TlsVersion,
};
pub use secret::{MASK, Secret, Source};
