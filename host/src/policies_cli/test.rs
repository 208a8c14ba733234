//! `promweave policy test`: the laws of the contract, tried on a policy, and
//! where it decides otherwise than the built-in rule.

mod recorded;

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::Arc;

use serde_json::{Value, json};

use super::progress::Progress;
use super::subject::{self, Loaded};
use super::{Error, Verdict};
use crate::cli::policy::Test;
use crate::policy::compare::Comparison;
use crate::policy::laws::{self, Differences, Effort, Kit, Refusal, Report, Violation};
use crate::policy::{self, Version};
use recorded::Recorded;

/// Tries it, and prints law after law.
pub(super) fn run(args: &Test) -> Result<Verdict, Error> {
    let loaded = subject::load(&args.subject)?;
    let effort = if args.quick { Effort::Upload } else { Effort::Full };
    let recorded = recorded::read(&args.recording)?;
    let outcome = Outcome::of(&loaded, &recorded, effort);
    if args.json {
        writeln!(io::stdout(), "{:#}", outcome.json(&loaded, &recorded))?;
    } else {
        write!(io::stdout(), "{}", outcome.text(&loaded, &recorded))?;
    }
    Ok(if matches!(outcome, Outcome::Good { .. }) { Verdict::Good } else { Verdict::Bad })
}

/// What was found.
enum Outcome {
    Good { report: Report, differences: Differences, on_recorded: Box<Comparison> },
    Broken(Box<Violation>),
    Refused(String),
}

impl Outcome {
    fn of(loaded: &Loaded, recorded: &Recorded, effort: Effort) -> Self {
        match &loaded.version {
            Err(error) => Self::Refused(error.to_string()),
            Ok(version) => {
                Self::tried(loaded, version, recorded, effort).unwrap_or_else(Self::from)
            }
        }
    }

    fn tried(
        loaded: &Loaded,
        version: &Arc<Version>,
        recorded: &Recorded,
        effort: Effort,
    ) -> Result<Self, Refusal> {
        let report = {
            let progress = Progress::new("laws");
            let watch = |at: laws::Progress| progress.show(at.done, at.total);
            let mut kit = Kit::new(version, &loaded.spec, effort).watched(&watch);
            for entry in &recorded.entries {
                kit = kit.with_recorded(&entry.views());
            }
            kit.check()?
        };
        let progress = Progress::new("differences");
        let watch = |at: laws::Progress| progress.show(at.done, at.total);
        let differences = Kit::new(version, &loaded.spec, effort).watched(&watch).differences()?;
        let on_recorded = Box::new(recorded.compare(version, &loaded.spec)?);
        Ok(Self::Good { report, differences, on_recorded })
    }

    fn json(&self, loaded: &Loaded, recorded: &Recorded) -> Value {
        let mut shown = json!({
            "file": loaded.path,
            "policy": loaded.version.as_ref().map_or(Value::Null, |v| subject::identity(v)),
            "settings": loaded.spec.settings,
            "good": matches!(self, Self::Good { .. }),
        });
        match self {
            Self::Good { report, differences, on_recorded } => {
                let held = report.held.iter();
                let law = |(law, batches): &(&str, u64)| json!({ "law": law, "batches": batches });
                shown["held"] = held.map(law).collect();
                shown["remarks"] = json!(report.remarks);
                shown["differences"] = json!(differences);
                if !recorded.entries.is_empty() {
                    shown["recorded"] = recorded.json(on_recorded);
                }
            }
            Self::Broken(violation) => shown["violation"] = json!(violation),
            Self::Refused(text) => shown["refused"] = json!(text),
        }
        shown
    }

    fn text(&self, loaded: &Loaded, recorded: &Recorded) -> String {
        let mut out = match &loaded.version {
            Ok(version) => format!("{}: {}\n", loaded.path, subject::title(version)),
            Err(_) => format!("{}\n", loaded.path),
        };
        match self {
            Self::Good { report, differences, on_recorded } => {
                held(&mut out, report);
                differ(&mut out, differences);
                if !recorded.entries.is_empty() {
                    out.push_str(&recorded.text(on_recorded));
                }
                out.push_str("\nIt keeps all laws.\n");
            }
            Self::Broken(violation) => broken(&mut out, violation),
            Self::Refused(text) => {
                let _ = writeln!(out, "\nIt is refused: {text}");
            }
        }
        out
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Law(violation) => Self::Broken(violation),
            Refusal::Policy(policy::Error::Settings(text)) => {
                Self::Refused(format!("its settings: {text}"))
            }
            Refusal::Policy(error) => Self::Refused(error.to_string()),
        }
    }
}

fn held(out: &mut String, report: &Report) {
    out.push_str("\nLaws that hold, and how often they were tried:\n");
    for (law, times) in &report.held {
        let _ = writeln!(out, "  {law:<20}{times:>8}");
    }
    if !report.remarks.is_empty() {
        out.push_str("\nWorth knowing:\n");
    }
    for remark in &report.remarks {
        let _ = writeln!(out, "  {remark}");
    }
}

fn broken(out: &mut String, violation: &Violation) {
    let Violation { law, demands, input, answer } = violation;
    let _ = writeln!(out, "\nIt breaks the law {law}: {demands}");
    let _ = writeln!(out, "  given     {}", indented(input));
    let _ = writeln!(out, "  answered  {}", indented(answer));
}

fn differ(out: &mut String, found: &Differences) {
    let Differences { batches, series, series_that_differ, .. } = found;
    let _ = writeln!(
        out,
        "\nBeside the built-in rule: {series_that_differ} of {series} series in {batches} batches \
         differ; {} samples are taken by both, {} by the built-in rule only, {} by this only.",
        found.samples_of_both, found.samples_of_builtin_only, found.samples_of_policy_only,
    );
    for example in &found.examples {
        let _ = writeln!(out, "  {}, such as", example.what);
        let _ = writeln!(out, "    given     {}", indented(&example.input));
        let _ = writeln!(out, "    built-in  {}", indented(&example.builtin));
        let _ = writeln!(out, "    this      {}", indented(&example.policy));
    }
}

/// Long texts say one thing after the other: each on a line of its own.
fn indented(text: &str) -> String {
    text.replace("; ", "\n            ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::policy::Subject;

    fn tried(settings: Option<&str>) -> (Loaded, Outcome) {
        let settings = settings.map(str::to_owned);
        let subject = Subject { file: "builtin".into(), settings, settings_file: None };
        let loaded = subject::load(&subject).expect("it is part of this");
        let outcome = Outcome::of(&loaded, &Recorded::default(), Effort::Upload);
        (loaded, outcome)
    }

    #[test]
    fn a_lawful_policy_is_shown_law_by_law() {
        let (loaded, outcome) = tried(None);
        let text = outcome.text(&loaded, &Recorded::default());
        assert!(text.starts_with("builtin: fill "), "{text}");
        assert!(text.contains("\n  idempotent "), "{text}");
        assert!(text.contains("\nBeside the built-in rule: 0 of "), "{text}");
        assert!(text.ends_with("\nIt keeps all laws.\n"), "{text}");
        let json = outcome.json(&loaded, &Recorded::default());
        assert_eq!(json["good"], true);
        assert_eq!(json["held"][0]["law"], "settings-schema");
        assert_eq!(json["differences"]["series_that_differ"], 0);
    }

    #[test]
    fn settings_that_are_refused_are_said() {
        let (loaded, outcome) = tried(Some(r#"{"rule":"none"}"#));
        let text = outcome.text(&loaded, &Recorded::default());
        assert!(text.contains("\nIt is refused: its settings: setting `rule` must be"), "{text}");
        assert_eq!(outcome.json(&loaded, &Recorded::default())["good"], false);
    }

    #[test]
    fn a_broken_law_is_shown_with_what_shows_it() {
        let violation = Violation {
            law: "idempotent",
            demands: "as before",
            input: "first this; then that".to_owned(),
            answer: "nothing; expected something".to_owned(),
        };
        let (loaded, _) = tried(Some(r#"{"rule":"none"}"#));
        let text = Outcome::Broken(Box::new(violation)).text(&loaded, &Recorded::default());
        let expected = "\nIt breaks the law idempotent: as before\n  given     first this\n            \
                        then that\n  answered  nothing\n            expected something\n";
        assert!(text.ends_with(expected), "{text}");
    }
}
