//! `promweave policy inspect`: what a component is, without asking a proxy.

use std::io::{self, Write as _};
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Error, Verdict, subject};
use crate::cli::policy::Inspect;
use crate::policy::{Binding, Engine, EngineLimits, Settings, Terms, Version};

/// Shows it.
pub(super) fn run(args: &Inspect) -> Result<Verdict, Error> {
    let path = args.subject.file.display().to_string();
    let refused = |source| Error::Policy { path: path.clone(), source };
    let bytes = subject::bytes(&args.subject)?;
    let spec = subject::spec(&args.subject)?;
    let engine = Engine::new(&EngineLimits::default()).map_err(refused)?;
    let version = subject::load(&engine, bytes.as_deref()).map_err(refused)?;
    let binding = Binding::component(Arc::clone(&version), spec, Settings::default());
    let binding = binding.map_err(refused)?;
    let shown = describe(&version, binding.terms());
    let text = if args.json { format!("{shown:#}") } else { text(&version) };
    writeln!(io::stdout(), "{text}")?;
    Ok(Verdict::Good)
}

fn describe(version: &Version, terms: &Terms) -> Value {
    let description = version.description();
    json!({
        "name": description.name,
        "version": description.version,
        "digest": version.digest(),
        "size": version.size(),
        "imports": version.imports(),
        "terms": {
            "needs": if terms.needs_samples { "samples" } else { "timelines" },
            "may_synthesise": terms.may_synthesise,
            "span": terms.span.map(|span| {
                json!({ "before_ms": span.before_ms, "after_ms": span.after_ms })
            }),
            "keeps_lone_replica": terms.keeps_lone_replica,
            "no_false_resets": terms.no_false_resets,
        },
    })
}

fn text(version: &Version) -> String {
    let description = version.description();
    let imports = match version.imports() {
        [] => "nothing".to_owned(),
        some => some.join(", "),
    };
    format!(
        "name     {} {}\ndigest   {}\nsize     {} bytes\nimports  {imports}",
        description.name,
        description.version,
        version.digest(),
        version.size(),
    )
}
