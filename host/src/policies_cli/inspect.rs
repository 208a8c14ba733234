//! `promweave policy inspect`: what a component is, what the sandbox gives
//! it, and whether it would be accepted.

use std::io::{self, Write as _};
use std::sync::Arc;

use serde_json::{Value, json};

use super::progress::Progress;
use super::subject::{self, Loaded};
use super::{Error, Verdict};
use crate::cli::policy::Inspect;
use crate::policy::laws::{Effort, Kit, Refusal};
use crate::policy::{Binding, Limits, Settings, Terms, Version, digest_of, instead_of, is_module};

/// Shows it.
pub(super) fn run(args: &Inspect) -> Result<Verdict, Error> {
    let loaded = subject::load(&args.subject)?;
    let shown = inspect(&loaded);
    if args.json {
        writeln!(io::stdout(), "{shown:#}")?;
    } else {
        write!(io::stdout(), "{}", text(&shown))?;
    }
    let is_good = shown["accepted"] == Value::Bool(true);
    Ok(if is_good { Verdict::Good } else { Verdict::Bad })
}

fn inspect(loaded: &Loaded) -> Value {
    let version = match &loaded.version {
        Ok(version) => version,
        Err(error) => {
            let bytes = loaded.bytes.as_deref().unwrap_or_default();
            let reason = error.to_string();
            return json!({
                "file": loaded.path,
                "digest": digest_of(bytes),
                "size": bytes.len(),
                "accepted": false,
                "reason": reason,
            });
        }
    };
    let mut shown = subject::identity(version);
    shown["file"] = json!(loaded.path);
    shown["form"] = json!(form(loaded.bytes.as_deref()));
    shown["imports"] = json!(version.imports());
    shown["exports"] = json!(version.exports());
    let schema = &version.description().settings_schema;
    shown["settings_schema"] = serde_json::from_str(schema).unwrap_or_else(|_| json!(schema));
    shown["settings"] = settings(&loaded.spec.settings);
    shown["sandbox"] = sandbox(version, &loaded.spec.limits);
    let binding = Binding::component(Arc::clone(version), loaded.spec.clone(), Settings::default());
    shown["terms"] = binding.as_ref().map_or(Value::Null, |binding| terms(binding.terms()));
    let reason = match binding {
        Err(error) => Some(error.to_string()),
        Ok(_) => refusal(loaded, version).map(|refusal| refusal.to_string()),
    };
    shown["accepted"] = json!(reason.is_none());
    shown["reason"] = json!(reason);
    shown
}

/// What an upload would be refused with.
fn refusal(loaded: &Loaded, version: &Arc<Version>) -> Option<Refusal> {
    let progress = Progress::new("laws");
    let watch = |at: crate::policy::laws::Progress| progress.show(at.done, at.total);
    Kit::new(version, &loaded.spec, Effort::Upload).watched(&watch).check().err()
}

/// What the bytes are.
fn form(bytes: Option<&[u8]>) -> &'static str {
    match bytes {
        None => "part of this executable",
        Some(bytes) if is_module(bytes) => {
            "a core module with the component's type, wrapped when it is loaded"
        }
        Some(_) => "a component",
    }
}

fn settings(text: &str) -> Value {
    if text.is_empty() { json!({}) } else { serde_json::from_str(text).unwrap_or_default() }
}

fn terms(terms: &Terms) -> Value {
    let span =
        terms.span.map(|span| json!({ "before_ms": span.before_ms, "after_ms": span.after_ms }));
    json!({
        "needs": if terms.needs_samples { "samples" } else { "timelines" },
        "may_synthesise": terms.may_synthesise,
        "span": span,
        "keeps_lone_replica": terms.keeps_lone_replica,
        "no_false_resets": terms.no_false_resets,
    })
}

fn sandbox(version: &Version, limits: &Limits) -> Value {
    let instead = |import: &String| Some((import.clone(), json!(instead_of(import)?)));
    let world: serde_json::Map<String, Value> =
        version.imports().iter().filter_map(instead).collect();
    json!({
        "deadline_ms": limits.deadline_ms,
        "memory_bytes": limits.memory_bytes,
        "answer_bytes": limits.copied_bytes,
        "table_elements": limits.table_elements,
        "imports": world,
    })
}

/// The same, for people: one line for each thing.
fn text(shown: &Value) -> String {
    let mut out = String::new();
    let mut line = |key: &str, text: &str| {
        out.push_str(&format!("{key:<10}{text}\n"));
    };
    line("file", &plain(&shown["file"]));
    if let Some(name) = shown["name"].as_str() {
        line("policy", &format!("{name} {}", plain(&shown["version"])));
    }
    line("digest", &plain(&shown["digest"]));
    line("size", &format!("{} bytes", shown["size"]));
    let sandbox = &shown["sandbox"];
    if sandbox.is_object() {
        line("form", &plain(&shown["form"]));
        line("exports", &plain(&shown["exports"]));
        line("imports", &plain(&shown["imports"]));
        for (import, instead) in sandbox["imports"].as_object().into_iter().flatten() {
            line("", &format!("{import}: {}", plain(instead)));
        }
        line("schema", &shown["settings_schema"].to_string());
        line("settings", &shown["settings"].to_string());
        line("terms", &terms_text(&shown["terms"]));
        line(
            "limits",
            &format!(
                "{} ms a call, {} bytes of memory, {} bytes of answer, {} table elements",
                sandbox["deadline_ms"],
                sandbox["memory_bytes"],
                sandbox["answer_bytes"],
                sandbox["table_elements"],
            ),
        );
    }
    match shown["reason"].as_str() {
        None => line("accepted", "yes"),
        Some(reason) => line("accepted", &format!("no: {reason}")),
    }
    out
}

fn terms_text(terms: &Value) -> String {
    if terms.is_null() {
        return "unknown".to_owned();
    }
    let span = match &terms["span"] {
        Value::Null => "no span".to_owned(),
        span => format!("span {} ms before and {} ms after", span["before_ms"], span["after_ms"]),
    };
    let mut texts = vec![format!("needs {}", plain(&terms["needs"])), span];
    let said = [
        ("may_synthesise", "may synthesise"),
        ("keeps_lone_replica", "keeps a lone replica"),
        ("no_false_resets", "no false resets"),
    ];
    texts.extend(
        said.iter().filter(|(key, _)| terms[key] == true).map(|(_, text)| (*text).to_owned()),
    );
    texts.join(", ")
}

/// A value without quotes; a list with commas.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "nothing".to_owned(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::policy::Subject;

    fn inspected(settings: Option<&str>) -> Value {
        let settings = settings.map(str::to_owned);
        let subject = Subject { file: "builtin".into(), settings, settings_file: None };
        inspect(&subject::load(&subject).expect("it is part of this"))
    }

    #[test]
    fn the_built_in_policy_is_described_and_would_be_accepted() {
        let shown = inspected(None);
        assert_eq!(shown["accepted"], true);
        assert_eq!(shown["terms"]["needs"], "timelines");
        assert_eq!(shown["settings_schema"]["type"], "object");
        assert_eq!(shown["exports"], json!(["promweave:merge/policy@1.0.0"]));
        let text = text(&shown);
        assert!(text.contains("\nimports   nothing\n"), "{text}");
        assert!(text.contains("keeps a lone replica, no false resets\n"), "{text}");
        assert!(text.ends_with("\naccepted  yes\n"), "{text}");
    }

    #[test]
    fn settings_that_it_refuses_are_why_it_would_not_be_accepted() {
        let shown = inspected(Some(r#"{"prefer_max":1}"#));
        assert_eq!(shown["accepted"], false);
        let text = text(&shown);
        assert!(text.ends_with("setting `prefer_max` must be true or false, not 1\n"), "{text}");
    }
}
