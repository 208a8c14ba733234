//! The command line of `promweave policy`: what is said of merge policies.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What can be done with a policy.
#[derive(Clone, Debug, Subcommand)]
pub enum PolicyCommand {
    /// Show what a policy is: size, digest, imports, exports, terms, and whether it would be accepted
    Inspect(Inspect),
    /// Run a policy on recorded merges, and show where its answers differ
    Replay(Replay),
}

/// A policy on this machine, with settings.
#[derive(Args, Clone, Debug)]
pub struct Subject {
    /// The component, a .wasm file; `builtin` for the one in this executable
    pub file: PathBuf,
    /// Its settings: JSON of its own schema, its defaults without
    #[arg(long, value_name = "JSON", conflicts_with = "settings_file")]
    pub settings: Option<String>,
    /// A file with its settings
    #[arg(long, value_name = "FILE")]
    pub settings_file: Option<PathBuf>,
}

/// What is shown.
#[derive(Args, Clone, Debug)]
pub struct Inspect {
    #[command(flatten)]
    /// Of which policy.
    pub subject: Subject,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What is replayed.
#[derive(Args, Clone, Debug)]
pub struct Replay {
    /// A recording, or a folder of recordings
    pub recording: PathBuf,
    #[command(flatten)]
    /// With which policy. Of `builtin` the settings are the recorded ones unless others are given.
    pub subject: Subject,
    /// Compare with this policy, a .wasm file or `builtin`; without it with the built-in rule under
    /// the settings that the recorded groups have
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// Settings of the policy to compare with
    #[arg(long, value_name = "JSON", requires = "against")]
    pub against_settings: Option<String>,
    /// Only merges of this server group
    #[arg(long, value_name = "NAME")]
    pub server_group: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
