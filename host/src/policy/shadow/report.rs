//! What a shadow has to tell, in the shape of its JSON.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::policy::compare::Comparison;

/// How a candidate compares with the active policy since it was bound.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// All merges that were compared; the examples are the newest.
    #[serde(flatten)]
    pub comparison: Comparison,
    /// Merges of queries that were not compared, because too much was waiting
    /// or the candidate is parked.
    pub dropped: u64,
    /// Whether it failed too often in a row and is not asked any more.
    pub parked: bool,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.comparison)?;
        if self.dropped > 0 {
            writeln!(f, "not compared {} merges, too many at a time or parked", self.dropped)?;
        }
        if self.parked {
            writeln!(f, "parked       it failed too often in a row and is not asked any more")?;
        }
        Ok(())
    }
}
