//! What a merge costs, in samples a second: the built-in rule natively and as
//! a component, from the replicas' columns to the merged ones.
//!
//! Three sizes of two replicas: few long series, a dashboard's panel, and an
//! instant vector. In `distinct` every series has timestamps of its own, so
//! every one is decided; in `shared` all have the same, as those of one scrape
//! job do. One scrape in a hundred is missed. `cargo bench --bench merge`
//! runs all.
//!
//! In `shadow` the query's thread merges and lets go of the inputs: alone, or
//! with a candidate bound beside the policy that it hands them over to, or
//! with a recording. What is measured there is that thread's processor time.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use promql::{Labels, SeriesBatch};
use promweave::policy::compare::{Answered, Clock};
use promweave::policy::recording::{Entry, Recorded, Writer};
use promweave::policy::shadow::{Bounds, Pool, Shadow};
use promweave::policy::{Binding, Engine, EngineLimits, Options, Settings, Spec, Version, merge};

const START: i64 = 1_760_000_000_000;
const STEP: i64 = 15_000;
const REPLICAS: usize = 2;

/// Series and scrapes.
const SIZES: [(usize, usize); 3] = [(10, 11_000), (1000, 360), (50_000, 1)];

/// Both replicas scrape at the same moments, or half a step apart.
#[derive(Clone, Copy)]
enum Scrapes {
    Aligned,
    Interleaved,
}

fn replica(number: usize, size: (usize, usize), is_distinct: bool, how: Scrapes) -> SeriesBatch {
    let offset = match how {
        Scrapes::Aligned => 0,
        Scrapes::Interleaved => number as i64 * STEP / 3,
    };
    let mut batch = SeriesBatch::new();
    for series in 0..size.0 {
        let own = if is_distinct { series as i64 % STEP } else { 0 };
        for scrape in 0..size.1 {
            let is_missed = (scrape * 7 + number * 53) % 100 == 99;
            if !is_missed {
                let time = START + scrape as i64 * STEP + own + offset;
                batch.push_float(time, (series + scrape) as f64);
            }
        }
        let name = format!("{series:06}");
        batch.finish_series(Labels::from_pairs([("__name__", "up"), ("instance", &name)]));
    }
    batch
}

fn benches(criterion: &mut Criterion) {
    let engine = Engine::new(&EngineLimits::default()).expect("wasm runs here");
    let version = Arc::new(Version::builtin(&engine).expect("the build made it"));
    let component =
        Binding::component(version, Spec::default(), Settings::default()).expect("it works");
    let native = Binding::native(Settings::default());
    let kinds = [
        ("distinct", true, Scrapes::Aligned),
        ("shared", false, Scrapes::Aligned),
        ("interleaved", true, Scrapes::Interleaved),
    ];
    for (kind, is_distinct, how) in kinds {
        let mut group = criterion.benchmark_group(format!("merge/{kind}"));
        for size in SIZES {
            let replicas: Vec<_> =
                (0..REPLICAS).map(|number| replica(number, size, is_distinct, how)).collect();
            let replicas: Vec<&SeriesBatch> = replicas.iter().collect();
            let samples: usize = replicas.iter().map(|replica| replica.samples()).sum();
            group.throughput(Throughput::Elements(samples as u64));
            for (name, binding) in [("native", &native), ("wasm", &component)] {
                let id = BenchmarkId::new(name, format!("{}x{REPLICAS}x{}", size.0, size.1));
                group.bench_function(id, |bencher| {
                    bencher.iter(|| black_box(merge(binding, &replicas, &Options::everything(0))));
                });
            }
        }
        group.finish();
    }
}

/// What a query does with its inputs after the merge.
enum After {
    Drop,
    Shadow(Arc<Shadow>),
    Record(Writer),
}

/// One merge, as in `gather`; nanoseconds of this thread's processor time.
fn query(binding: &Binding, replicas: Vec<SeriesBatch>, after: &After) -> u64 {
    let clock = Clock::start();
    let views: Vec<&SeriesBatch> = replicas.iter().collect();
    let own = Clock::start();
    let mut merged = merge(binding, &views, &Options::everything(0));
    let entry = |policy, replicas| {
        let names = vec!["one".to_owned(), "two".to_owned()];
        Arc::new(Entry { group: "g".to_owned(), policy, names, ..Entry::of(replicas) })
    };
    match after {
        After::Drop => drop(replicas),
        After::Shadow(shadow) => {
            let answered = Answered::of(&mut merged, own.nanoseconds());
            shadow.observe(entry(Recorded::default(), replicas), answered);
        }
        After::Record(writer) => writer.record(entry(Recorded::of(binding), replicas)),
    }
    black_box(&merged);
    clock.nanoseconds()
}

fn beside(criterion: &mut Criterion) {
    let engine = Engine::new(&EngineLimits::default()).expect("wasm runs here");
    let version = Arc::new(Version::builtin(&engine).expect("the build made it"));
    let bind = || Binding::component(Arc::clone(&version), Spec::default(), Settings::default());
    let binding = bind().expect("it works");
    let pool = Pool::start(Bounds::default()).expect("a thread");
    let candidate = Arc::new(bind().expect("it works"));
    let shadow = Shadow::new(candidate, &pool, Box::new(|_| {}));
    let dir = tempfile::tempdir().expect("a folder");
    let writer = Writer::start(dir.path(), "g", 64 << 20, 1.0, Arc::new(|_| {}));
    let ways = [
        ("alone", After::Drop),
        ("shadow", After::Shadow(shadow)),
        ("record", After::Record(writer.expect("a thread"))),
    ];
    let mut group = criterion.benchmark_group("merge/shadow");
    for size in SIZES {
        let replicas: Vec<_> =
            (0..REPLICAS).map(|number| replica(number, size, true, Scrapes::Aligned)).collect();
        let samples: usize = replicas.iter().map(SeriesBatch::samples).sum();
        group.throughput(Throughput::Elements(samples as u64));
        for (name, after) in &ways {
            let id = BenchmarkId::new(*name, format!("{}x{REPLICAS}x{}", size.0, size.1));
            group.bench_function(id, |bencher| {
                bencher.iter_custom(|count| {
                    let one = |_| query(&binding, replicas.clone(), after);
                    Duration::from_nanos((0..count).map(one).sum())
                });
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = all;
    config = Criterion::default().sample_size(20);
    targets = benches, beside
}
criterion_main!(all);
