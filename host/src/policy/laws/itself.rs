//! What a policy says of itself: its schema, its description, its terms.

use std::sync::Arc;

use guest_merge::Terms;
use serde_json::Value;

use super::law::Law;
use super::{Refusal, Violation, patient};
use crate::policy::guest::Guest;
use crate::policy::{Description, Error, Spec, Version};

/// Clocks of the instances that are asked: long ago, and far ahead.
const CLOCKS: [i64; 3] = [0, 1_700_000_000_000, 4_000_000_000_000];

/// What it said, every time.
pub(super) struct Itself {
    pub(super) terms: Terms,
    /// Instances that said so.
    pub(super) instances: u64,
    pub(super) remarks: Vec<String>,
}

/// Asks several instances.
pub(super) fn ask(version: &Arc<Version>, spec: &Spec) -> Result<Itself, Refusal> {
    schema(version.description())?;
    let mut known: Option<Terms> = None;
    for clock in CLOCKS {
        let mut guest = start(version, spec, clock)?;
        let described = guest.describe().map_err(|fault| Error::Failed("describe", fault))?;
        if described != *version.description() {
            let answer = format!("{:?} at first and {described:?} later", version.description());
            return Err(violation(Law::SameTerms, "describe", answer));
        }
        let mut guest = start(version, spec, clock)?;
        let terms = guest.configure(&spec.settings).map_err(Error::of_configure)?;
        if let Some(known) = known.filter(|known| *known != terms) {
            let answer = format!("{known:?} at first and {terms:?} later");
            return Err(violation(Law::SameTerms, &spec.settings, answer));
        }
        known = Some(terms);
    }
    let terms = known.expect("several instances were asked");
    let remarks = remarks(version, spec, &terms);
    Ok(Itself { terms, instances: CLOCKS.len() as u64, remarks })
}

fn start(version: &Arc<Version>, spec: &Spec, clock: i64) -> Result<Guest, Error> {
    let guest = version.start(&patient(&spec.limits), clock);
    guest.map_err(|fault| Error::Failed("start", fault))
}

fn schema(description: &Description) -> Result<(), Refusal> {
    let text = &description.settings_schema;
    let flaw = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(_)) => return Ok(()),
        Ok(_) => "no object".to_owned(),
        Err(error) => error.to_string(),
    };
    let shown: String = text.chars().take(200).collect();
    Err(violation(Law::SettingsSchema, "describe", format!("{shown:?}: {flaw}")))
}

fn violation(law: Law, asked: &str, answer: String) -> Refusal {
    let input = match asked {
        "" => "no settings".to_owned(),
        other => other.to_owned(),
    };
    Refusal::Law(Box::new(Violation { law: law.name(), demands: law.demands(), input, answer }))
}

/// What an operator who writes settings may trip over.
fn remarks(version: &Arc<Version>, spec: &Spec, terms: &Terms) -> Vec<String> {
    let takes = |settings: &str| -> Option<Terms> {
        start(version, spec, CLOCKS[0]).ok()?.configure(settings).ok()
    };
    let mut remarks = Vec::new();
    if spec.settings.is_empty() && takes("{}") != Some(*terms) {
        remarks.push("the settings {} are not the same to it as none".to_owned());
    }
    if takes("{").is_some() {
        remarks.push("it takes settings that are no JSON".to_owned());
    }
    if takes(r#"{"no-such-setting":1}"#).is_some() {
        remarks.push(
            "it takes settings that it does not know: a typing error in one goes unnoticed"
                .to_owned(),
        );
    }
    if terms.span.is_none() {
        remarks.push(
            "it declares no span: the answer at one moment may differ between windows, and the \
             host fetches no more than a query's own window"
                .to_owned(),
        );
    }
    if terms.may_synthesise && terms.no_false_resets {
        remarks.push("seams are not repaired in series for which it makes up samples".to_owned());
    }
    remarks
}
