//! Every merge gives the same bytes natively and through the component.

use promql::Histogram;
use proptest::prelude::*;

use super::*;

const SETTINGS: [&str; 10] = [
    "",
    r#"{"anti_affinity":10000}"#,
    r#"{"anti_affinity":0}"#,
    r#"{"prefer_max":true}"#,
    r#"{"rule":"promxy"}"#,
    r#"{"rule":"promxy","anti_affinity_dynamic":true}"#,
    r#"{"rule":"promxy","prefer_max":true}"#,
    r#"{"rule":"penalty"}"#,
    r#"{"rule":"max","anti_affinity":5000}"#,
    r#"{"rule":"first"}"#,
];

fn bindings() -> &'static [(Binding, Binding)] {
    static BINDINGS: LazyLock<Vec<(Binding, Binding)>> = LazyLock::new(|| {
        let both = |json: &&str| {
            let settings = Settings::from_json(json).expect("valid settings");
            (Binding::native(settings), builtin(json))
        };
        SETTINGS.iter().map(both).collect()
    });
    &BINDINGS
}

/// Replicas of a few series that are scraped on time, late or not at all, with
/// values of every sort and now and then a histogram.
fn replicas() -> impl Strategy<Value = Vec<SeriesBatch>> {
    let value = prop_oneof![
        4 => (0..1000_u32).prop_map(f64::from),
        1 => any::<u64>().prop_map(f64::from_bits),
        1 => Just(f64::from_bits(promql::series::STALE_NAN_BITS)),
    ];
    let gap = prop_oneof![6 => Just(15_000_i64), 1 => 1_i64..15_000, 1 => 15_000_i64..90_000];
    let sample = (gap, value, prop::bool::weighted(0.1));
    let series = prop::collection::vec(sample, 0..40);
    let replica = prop::collection::btree_map(0..6_u8, series, 0..6);
    prop::collection::vec(replica, 1..=4).prop_map(|replicas| {
        let batch = |replica: &std::collections::BTreeMap<_, Vec<(i64, f64, bool)>>| {
            let mut batch = SeriesBatch::new();
            for (name, samples) in replica {
                let mut time = 1_700_000_000_000;
                for (gap, value, is_histogram) in samples {
                    time += gap;
                    if *is_histogram {
                        let histogram =
                            Histogram { count: *value, sum: 1.0, ..Histogram::default() };
                        batch.push_histogram(time, histogram);
                    } else {
                        batch.push_float(time, *value);
                    }
                }
                let name = format!("series_{name}{}", if name % 2 == 0 { "_total" } else { "" });
                batch.finish_series(Labels::from_pairs([("__name__", name)]));
            }
            batch
        };
        replicas.iter().map(batch).collect()
    })
}

/// Everything about a batch, with values as bits.
fn bits(batch: &SeriesBatch) -> Vec<String> {
    let series = batch.iter().map(|series| {
        let floats: Vec<_> = series.float_values.iter().map(|value| value.to_bits()).collect();
        let histograms: Vec<_> = series
            .histogram_values
            .iter()
            .map(|histogram| (histogram.count.to_bits(), histogram.counter_reset_hint))
            .collect();
        let times = (series.float_times, series.histogram_times);
        format!("{:?} {times:?} {floats:?} {histograms:?}", series.labels)
    });
    series.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn the_component_answers_as_the_native_rule(replicas in replicas()) {
        let replicas: Vec<&SeriesBatch> = replicas.iter().collect();
        for ((native, component), settings) in bindings().iter().zip(SETTINGS) {
            let options = Options::everything(0);
            let (one, two) =
                (merge(native, &replicas, &options), merge(component, &replicas, &options));
            prop_assert_eq!(&two.fault, &None, "{}", settings);
            prop_assert_eq!(bits(&one.series), bits(&two.series), "{}", settings);
            prop_assert_eq!(&one.runs, &two.runs, "{}", settings);
            prop_assert_eq!(one.decisions, two.decisions, "{}", settings);
        }
    }
}

#[test]
fn terms_are_the_same_on_both_sides() {
    for ((native, component), settings) in bindings().iter().zip(SETTINGS) {
        assert_eq!(native.terms(), component.terms(), "{settings}");
    }
}
