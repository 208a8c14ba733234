//! `promweave policy bench`: what a policy costs, beside the built-in rule as
//! a component and natively.

mod shapes;

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use promql::SeriesBatch;
use serde_json::{Value, json};

use super::progress::Progress;
use super::subject::{self, Loaded};
use super::{Error, Verdict};
use crate::cli::policy::Bench;
use crate::policy::{
    self, Binding, Limits, Options, Settings, Spec, StartCost, Version, merge, start_cost,
};
use shapes::{SHAPES, Shape};

/// Time for each policy and shape; one run at least.
const TIME: Duration = Duration::from_millis(800);
/// A slow policy is measured, not stopped.
const DEADLINE_MS: u64 = 10_000;

/// Measures, and prints a table.
pub(super) fn run(args: &Bench) -> Result<Verdict, Error> {
    let loaded = subject::load(&args.subject)?;
    let refused = |reason| Error::Policy { path: loaded.path.clone(), reason };
    let measured = measure(&loaded).map_err(refused)?;
    if args.json {
        let mut shown = subject::identity(&measured.version);
        shown["file"] = json!(loaded.path);
        shown["start_microseconds"] = json!(measured.start.instance.as_nanos() as f64 / 1e3);
        shown["configure_microseconds"] = json!(measured.start.configure.as_nanos() as f64 / 1e3);
        shown["code_bytes"] = json!(measured.version.code_size());
        shown["shapes"] = measured.shapes.iter().map(OfShape::json).collect();
        writeln!(io::stdout(), "{shown:#}")?;
    } else {
        write!(io::stdout(), "{}", text(&loaded, &measured))?;
    }
    let is_good = measured.shapes.iter().all(|shape| shape.fault.is_none());
    Ok(if is_good { Verdict::Good } else { Verdict::Bad })
}

/// What was measured.
struct Measured {
    version: Arc<Version>,
    start: StartCost,
    shapes: Vec<OfShape>,
}

/// One shape of data: nanoseconds a sample of a whole merge.
#[derive(Debug)]
struct OfShape {
    /// Series, replicas, samples of each.
    shape: String,
    samples: usize,
    native: f64,
    builtin: f64,
    policy: f64,
    /// Why the policy has no good figure.
    fault: Option<String>,
}

impl OfShape {
    fn json(&self) -> Value {
        let Self { shape, samples, native, builtin, policy, fault } = self;
        json!({
            "shape": shape,
            "samples": samples,
            "nanoseconds_per_sample": { "native": native, "builtin": builtin, "policy": policy },
            "fault": fault,
        })
    }
}

fn measure(loaded: &Loaded) -> Result<Measured, policy::Error> {
    let version = match &loaded.version {
        Ok(version) => Arc::clone(version),
        Err(error) => return Err(error.clone()),
    };
    let limits = Limits { deadline_ms: DEADLINE_MS, ..loaded.spec.limits };
    let spec = Spec { limits, ..loaded.spec.clone() };
    let start = start_cost(&version, &spec)?;
    let own = Binding::component(Arc::clone(&version), spec, Settings::default())?;
    // The same rule natively, where it is known.
    let is_builtin = version.is_builtin();
    let same = Settings::from_json(&loaded.spec.settings).ok().filter(|_| is_builtin);
    let native = Binding::native(same.unwrap_or_default());
    let builtin = Arc::new(Version::builtin(&loaded.engine)?);
    let builtin = Binding::component(builtin, Spec::with_limits(limits), Settings::default())?;
    let progress = Progress::new("measuring");
    let total = 3 * SHAPES.len() as u64;
    let mut done = 0;
    let mut shapes = Vec::new();
    for shape in SHAPES {
        let replicas = shape.replicas();
        let replicas: Vec<&SeriesBatch> = replicas.iter().collect();
        let mut figure = |binding: &Binding| {
            progress.show(done, total);
            done += 1;
            nanoseconds(binding, &replicas, shape)
        };
        let (native, _) = figure(&native);
        let (builtin, _) = figure(&builtin);
        let (policy, fault) = figure(&own);
        let (shape, samples) = (shape.name(), shape.samples());
        shapes.push(OfShape { shape, samples, native, builtin, policy, fault });
    }
    Ok(Measured { version, start, shapes })
}

/// The least of some merges, per sample, and the first fault.
fn nanoseconds(
    binding: &Binding,
    replicas: &[&SeriesBatch],
    shape: Shape,
) -> (f64, Option<String>) {
    let begin = Instant::now();
    let mut least = Duration::MAX;
    let mut fault = None;
    loop {
        let started = Instant::now();
        let merged = merge(binding, replicas, &Options::everything(0));
        least = least.min(started.elapsed());
        fault = fault.or(merged.fault.map(|fault| fault.to_string()));
        if fault.is_some() || begin.elapsed() > TIME {
            return (least.as_nanos() as f64 / shape.samples() as f64, fault);
        }
    }
}

fn text(loaded: &Loaded, measured: &Measured) -> String {
    let Measured { version, start, shapes } = measured;
    let micros = |duration: Duration| duration.as_nanos() as f64 / 1e3;
    let mut out = format!("{}: {}\n\n", loaded.path, subject::title(version));
    let _ = writeln!(
        out,
        "An instance starts in {:.1} us and takes its settings in {:.1} us; its machine code has \
         {} bytes.",
        micros(start.instance),
        micros(start.configure),
        version.code_size(),
    );
    let native = if version.is_builtin() { "the same, native" } else { "built-in, native" };
    out.push_str("Nanoseconds a sample for a whole merge, the least of some:\n\n");
    let _ = writeln!(
        out,
        "  {:<22}{:>18}{:>12}{:>12}{:>20}",
        "series x replicas x samples", native, "built-in", "this", "this to built-in"
    );
    for shape in shapes {
        let OfShape { shape, native, builtin, policy, fault, .. } = shape;
        let ratio = policy / builtin;
        let _ = writeln!(
            out,
            "  {shape:<27}{native:>13.2}{builtin:>12.2}{policy:>12.2}{:>20}",
            format!("{ratio:.1} times")
        );
        if let Some(fault) = fault {
            let _ = writeln!(out, "    it {fault}; the built-in rule did the rest");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_line_for_every_shape() {
        let subject = crate::cli::policy::Subject {
            file: "builtin".into(),
            settings: None,
            settings_file: None,
        };
        let loaded = subject::load(&subject).expect("it is part of this");
        let Ok(version) = &loaded.version else { panic!("it loads") };
        let start = start_cost(version, &loaded.spec).expect("it starts");
        assert!(version.code_size() > version.size());
        let of_shape = |shape: &Shape| OfShape {
            shape: shape.name(),
            samples: shape.samples(),
            native: 1.0,
            builtin: 2.0,
            policy: 5.0,
            fault: None,
        };
        let shapes = SHAPES.iter().map(of_shape).collect();
        let measured = Measured { version: Arc::clone(version), start, shapes };
        let text = text(&loaded, &measured);
        assert_eq!(text.matches("2.5 times\n").count(), SHAPES.len(), "{text}");
        assert!(text.contains("\n  50000x2x1 "), "{text}");
    }
}
