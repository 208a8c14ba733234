//! What every merge policy in Rust needs beside its rule.
//!
//! A policy implements [`Policy`] and names itself in [`export_policy!`]. This
//! crate reads the settings, takes the contract's flat lists apart into
//! [`Series`], and puts the runs together. Two ways to decide are ready to
//! use: [`fill`], replicas in an order of preference, and [`rounds`], replicas
//! that vote.

pub mod fill;
pub mod rounds;
pub mod testing;

#[cfg(target_family = "wasm")]
#[rustfmt::skip]
#[allow(warnings, reason = "generated")]
pub mod bindings;
#[cfg(target_family = "wasm")]
pub mod component;

mod export;
mod plan;
mod series;
mod settings;

pub use plan::Plan;
pub use series::{Kind, Series};
pub use settings::Settings;

/// A rule by which samples are chosen.
pub trait Policy: Sized {
    /// Its name: `[a-z0-9-]+`.
    const NAME: &'static str;
    /// Its version, for people.
    const VERSION: &'static str;
    /// The keys of its settings; others are refused.
    const SETTINGS: &'static [&'static str];
    /// JSON schema of its settings.
    const SCHEMA: &'static str;

    /// The policy with its settings, and what holds for it then. The error is a
    /// sentence for the operator that names the key and what is allowed.
    fn configure(settings: &Settings) -> Result<(Self, Terms), String>;

    /// Decides what is taken of one series.
    ///
    /// Must depend on the settings and the series alone.
    fn plan(&self, series: &Series<'_>, plan: &mut Plan);
}

/// What the host may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Whether [`Series::values`] is needed, or times alone decide.
    pub needs_values: bool,
    /// How far before and after a moment a decision about it looks, with two
    /// replicas; none: over the whole window.
    pub span_ms: Option<u64>,
    /// Whether samples that only one replica has of a series are all taken.
    pub keeps_lone_replica: bool,
    /// Whether the host shall see to it that no counter seems to be reset
    /// where the replica changes.
    pub no_false_resets: bool,
}
