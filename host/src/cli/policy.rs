//! The command line of `promweave policy`: what is said of merge policies.

mod remote;
mod scaffold;

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub use remote::{
    Access, Bind, Change, Delete, Get, List, Move, Named, OfGroup, Push, Show, Unbind,
};
pub use scaffold::{Build, Language, New};

/// What can be done with a policy.
#[derive(Clone, Debug, Subcommand)]
pub enum PolicyCommand {
    /// Try the laws of the contract on a policy, and show where it decides otherwise than the
    /// built-in one
    Test(Test),
    /// Measure what a policy costs, beside the built-in one
    Bench(Bench),
    /// Write a new policy that builds with its language's own tools
    New(New),
    /// Build a policy in Rust, and show what it is
    Build(Build),
    /// Show what a policy is: size, digest, imports, exports, terms, and whether it would be accepted
    Inspect(Inspect),
    /// Upload a component as the newest version of a policy
    Push(Push),
    /// List the policies that a proxy has stored
    List(List),
    /// Show the versions of one policy
    Show(Show),
    /// Fetch a component as it was uploaded
    Get(Get),
    /// Forget a policy, or one version of it
    Delete(Delete),
    /// List the server groups and what is bound to them
    Groups(List),
    /// Let a policy answer for a server group, or run beside the one that does
    Bind(Bind),
    /// Take back what was bound to a server group
    Unbind(Unbind),
    /// Show how the shadow of a server group compares with its active policy
    Diff(OfGroup),
    /// Let the shadow of a server group answer
    Promote(Move),
    /// Let the policy answer that answered before
    Rollback(Move),
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

/// What is tried.
#[derive(Args, Clone, Debug)]
pub struct Test {
    #[command(flatten)]
    /// Of which policy.
    pub subject: Subject,
    /// Try only as much as an upload is tried
    #[arg(long)]
    pub quick: bool,
    /// Try recorded merges, too: a file or a folder; several times for several
    #[arg(long, value_name = "FILE")]
    pub recording: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What is measured.
#[derive(Args, Clone, Debug)]
pub struct Bench {
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
