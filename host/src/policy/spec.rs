//! How a policy is used: its settings, what it may use, and what its faults
//! mean.

/// What a policy may use for one merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time for one call, in milliseconds.
    pub deadline_ms: u64,
    /// Linear memory, in bytes, all memories of the sandbox together; at most
    /// the engine's.
    pub memory_bytes: usize,
    /// Bytes that may be copied out of the sandbox by one call.
    pub copied_bytes: usize,
    /// Elements of all its tables together; at most the engine's.
    pub table_elements: usize,
}

impl Default for Limits {
    /// A compiled policy plans a batch in well under a millisecond and two
    /// megabytes; interpreted ones need some ten of both.
    fn default() -> Self {
        Self {
            deadline_ms: 50,
            memory_bytes: 64 << 20,
            copied_bytes: 8 << 20,
            table_elements: 100_000,
        }
    }
}

/// How a policy is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// JSON of the policy's own schema; empty for its defaults.
    pub settings: String,
    /// What it may use.
    pub limits: Limits,
    /// What a fault means for the query.
    pub fail: Fail,
    /// Faults in a row after which it is not asked any more; 0: never.
    pub park_after: u32,
}

impl Default for Spec {
    /// The policy's default settings; ten faults in a row are no accident.
    fn default() -> Self {
        Self {
            settings: String::new(),
            limits: Limits::default(),
            fail: Fail::Open,
            park_after: 10,
        }
    }
}

impl Spec {
    /// The default with settings.
    #[must_use]
    pub fn with_settings(settings: &str) -> Self {
        Self { settings: settings.to_owned(), ..Self::default() }
    }

    /// The default with limits.
    #[must_use]
    pub fn with_limits(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }
}

/// What a fault means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fail {
    /// The built-in rule answers, with a warning.
    #[default]
    Open,
    /// The query fails.
    Closed,
}
