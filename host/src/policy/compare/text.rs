//! A comparison for people.

use std::fmt;

use super::report::{Comparison, Example, Kind, Sample, Side};

impl fmt::Display for Comparison {
    /// Some lines, the last one ended as the others.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let merges = count(self.merges, "merge", "merges");
        let series = count(self.series, "series", "series");
        writeln!(f, "compared     {merges}, {series}, {}", samples(self.samples))?;
        if self.merges_narrowed > 0 {
            let merges = count(self.merges_narrowed, "merge", "merges");
            writeln!(f, "narrowed     {merges}: a policy looks further around than was read")?;
        }
        if self.series_differing == 0 {
            writeln!(f, "differences  none")?;
        } else {
            self.differences(f)?;
        }
        writeln!(
            f,
            "cost         active {}, candidate {}",
            cost(&self.active),
            cost(&self.candidate)
        )?;
        for (name, side) in [("active", &self.active), ("candidate", &self.candidate)] {
            for (fault, count) in &side.faults {
                writeln!(f, "faults       {name}: {fault} {count} of {}", side.merges)?;
            }
        }
        for (index, example) in self.examples.iter().enumerate() {
            let head = if index == 0 { "examples" } else { "" };
            writeln!(f, "{head:<13}{example}")?;
        }
        Ok(())
    }
}

impl Comparison {
    fn differences(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "differences  in {}, {}, {}: {} only of the active policy, {} only of the candidate, \
             {} with another value",
            count(self.merges_differing, "merge", "merges"),
            count(self.series_differing, "series", "series"),
            samples(self.samples_differing()),
            self.samples_only_active,
            self.samples_only_candidate,
            self.samples_other_value,
        )?;
        let Some(largest) = &self.largest else { return Ok(()) };
        writeln!(f, "largest      {} %: {}", percent(largest.relative), largest.example)
    }
}

impl fmt::Display for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sample = |sample: &Option<Sample>| match sample {
            Some(Sample { value, replica }) => format!("{value} (of {replica})"),
            None => "nothing".to_owned(),
        };
        let what = match self.kind {
            Kind::OnlyActive => "left out",
            Kind::OnlyCandidate => "added",
            Kind::OtherValue => "other value",
        };
        let (active, candidate) = (sample(&self.active), sample(&self.candidate));
        write!(
            f,
            "{} at {}: {what}: active {active}, candidate {candidate}",
            self.series, self.time
        )
    }
}

fn count(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn samples(number: u64) -> String {
    count(number, "sample", "samples")
}

fn cost(side: &Side) -> String {
    match side.nanoseconds_per_sample {
        Some(each) => format!("{each:.1} ns a sample"),
        None => "nothing measured".to_owned(),
    }
}

/// With as many digits as tell it from none.
fn percent(relative: f64) -> String {
    let percent = relative * 100.0;
    if percent >= 0.01 { format!("{percent:.2}") } else { format!("{percent:.1e}") }
}
