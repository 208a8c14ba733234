//! The process's log, with promxy's flags.

use std::fmt;
use std::io::{self, IsTerminal as _};
use std::str::FromStr;

use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

/// How lines look (`--log-format`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Format {
    /// `json`, or text for anything else: promxy accepts any word here.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        if name == "json" { Self::Json } else { Self::Text }
    }
}

/// What is logged (`--log-level`), with the names of logrus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold(Level);

impl Default for Threshold {
    fn default() -> Self {
        Self(Level::INFO)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.as_str().to_ascii_lowercase())
    }
}

/// Not a level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown log level {0:?}: trace, debug, info, warning, error, fatal and panic are allowed")]
pub struct UnknownLevel(String);

impl FromStr for Threshold {
    type Err = UnknownLevel;

    /// Reads a level in any case. `fatal` and `panic` mean errors here: there
    /// is nothing above.
    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        Ok(Self(match text.to_ascii_lowercase().as_str() {
            "trace" => Level::TRACE,
            "debug" => Level::DEBUG,
            "info" => Level::INFO,
            "warn" | "warning" => Level::WARN,
            "error" | "fatal" | "panic" => Level::ERROR,
            _ => return Err(UnknownLevel(text.to_owned())),
        }))
    }
}

/// Starts logging to standard error, for the rest of the process.
///
/// Libraries log from `info` on unless the level is `trace`: theirs is noise
/// to who debugs the proxy.
///
/// # Errors
/// When a log has been started before.
pub fn init(threshold: Threshold, format: Format) -> Result<(), TryInitError> {
    let level = threshold.0;
    let others = if level == Level::TRACE { level } else { level.min(Level::INFO) };
    // What operators do is logged at every level.
    let filter = format!("{others},promweave={level},promql={level},audit=info");
    let filter = EnvFilter::new(filter);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let builder = builder.with_ansi(io::stderr().is_terminal());
    match format {
        Format::Text => builder.finish().try_init(),
        Format::Json => builder.json().flatten_event(true).finish().try_init(),
    }
}

/// An error with its causes, in one line; none of them twice.
#[must_use]
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    for cause in std::iter::successors(error.source(), |error| error.source()) {
        let cause = cause.to_string();
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_levels_are_logrus_names() {
        for (name, level) in
            [("trace", Level::TRACE), ("Warning", Level::WARN), ("panic", Level::ERROR)]
        {
            assert_eq!(name.parse(), Ok(Threshold(level)), "{name}");
        }
        let message = "loud".parse::<Threshold>().expect_err("not a level").to_string();
        assert!(message.starts_with("unknown log level \"loud\""), "{message}");
    }
}
