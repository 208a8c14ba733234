//! The ways in which a server group may be asked.

use crate::proxy::Group;

/// Whether the proxy knows the keys of [`Mode::configure`]; without them
/// every mode would be the same.
const HAS_PUSHDOWN_KEYS: bool = true;

/// What is worth it for [`Mode::WhenWorthwhile`]: between what a short and a
/// long query over some series of a test fleet reads.
const SMALL_SAMPLES: u64 = 3_000;

/// How a server group's data is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As configured without a word about it.
    Default,
    /// Raw samples only.
    Never,
    /// Pushed down whenever the answer is exact, whatever it saves.
    WheneverExact,
    /// The same where it saves a little: what is known of a selector's size
    /// decides, and that changes while queries are asked.
    WhenWorthwhile,
    /// Pushed down without a look at holes: right only where there are none.
    Always,
}

impl Mode {
    /// The modes in which answers must be right; `equal` says that all
    /// replicas of a group hold the same.
    #[must_use]
    pub fn right(equal: bool) -> Vec<Self> {
        if !HAS_PUSHDOWN_KEYS {
            return vec![Self::Default];
        }
        let mut modes = vec![Self::Never, Self::WheneverExact, Self::WhenWorthwhile];
        if equal {
            modes.push(Self::Always);
        }
        modes
    }

    /// The modes that push down where they can, for replicas that hold the
    /// same.
    #[must_use]
    pub fn pushing() -> Vec<Self> {
        if HAS_PUSHDOWN_KEYS {
            vec![Self::WheneverExact, Self::Always]
        } else {
            vec![Self::Default]
        }
    }

    /// The mode that asks for raw samples only.
    #[must_use]
    pub const fn raw() -> Self {
        if HAS_PUSHDOWN_KEYS { Self::Never } else { Self::Default }
    }

    /// True if sub-expressions may be pushed down in some mode.
    #[must_use]
    pub const fn are_several() -> bool {
        HAS_PUSHDOWN_KEYS
    }

    /// The configuration of a group in this mode.
    #[must_use]
    pub fn configure(self, group: Group) -> Group {
        match self {
            Self::Default => group,
            Self::Never => group.set("pushdown", "never"),
            Self::WheneverExact => group.set("pushdown", "auto").set("pushdown_min_samples", 0),
            Self::WhenWorthwhile => {
                group.set("pushdown", "auto").set("pushdown_min_samples", SMALL_SAMPLES)
            }
            Self::Always => group.set("pushdown", "always"),
        }
    }
}
