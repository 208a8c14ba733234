//! Fleets that are made up, probed as a server would answer, judged, and
//! compared with what the merge really takes.

use std::collections::BTreeMap;

use promql::series::{STALE_NAN_BITS, is_stale};
use promql::{Labels, SeriesBatch};
use proptest::prelude::*;

use super::*;
use crate::policy::{self, Binding};

/// A multiple of every width, and a bit.
const START: i64 = 1_760_054_400_000;
const MINUTE: i64 = 60_000;
/// Data of all replicas, from [`START`] on.
const LENGTH: i64 = 150 * MINUTE;
const STALE: f64 = f64::from_bits(STALE_NAN_BITS);

/// A time without scrapes.
#[derive(Clone, Debug)]
struct Hole {
    replica: usize,
    /// Which target; all of them, if none.
    target: Option<usize>,
    from: i64,
    length: i64,
    /// The server was up and marked what it did not see.
    marks: bool,
}

#[derive(Clone, Debug)]
struct Target {
    interval: i64,
    /// By replica.
    phases: Vec<i64>,
    series: usize,
    /// When it exists, for every replica.
    alive: (i64, i64),
}

#[derive(Clone, Debug)]
struct Fleet {
    replicas: usize,
    targets: Vec<Target>,
    holes: Vec<Hole>,
    jitter: i64,
    /// A replica that scrapes the first target so many times as often.
    eager: Option<(usize, i64)>,
    /// A series that only one replica has.
    lonely: Option<(usize, usize)>,
    settings: Settings,
}

fn noise(seed: i64, range: i64) -> i64 {
    if range == 0 {
        return 0;
    }
    let mixed = (seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    i64::try_from(mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33).expect("31 bits")
        % (2 * range + 1)
        - range
}

impl Fleet {
    /// What a replica stores until `now`.
    fn stores(&self, replica: usize, now: i64) -> SeriesBatch {
        let mut batch = SeriesBatch::new();
        for (number, target) in self.targets.iter().enumerate() {
            let times = self.scrapes(replica, number, target, now);
            for series in 0..target.series {
                if self
                    .lonely
                    .is_some_and(|(owner, own)| owner != replica && own == number && series == 0)
                {
                    continue;
                }
                for (time, is_marker) in &times {
                    // Counters by different clocks: close, never the same.
                    let value = (*time - START) as f64 + replica as f64 * 0.25;
                    batch.push_float(*time, if *is_marker { STALE } else { value });
                }
                let name = if series % 2 == 0 { "x_total" } else { "x" };
                let (target, series) = (number.to_string(), series.to_string());
                let labels = [("__name__", name), ("target", &target), ("series", &series)];
                batch.finish_series(Labels::from_pairs(labels));
            }
        }
        batch
    }

    /// Times and whether they are those of markers.
    fn scrapes(
        &self,
        replica: usize,
        number: usize,
        target: &Target,
        now: i64,
    ) -> Vec<(i64, bool)> {
        let eager = self.eager.filter(|(own, _)| *own == replica && number == 0);
        let interval = target.interval / eager.map_or(1, |(_, times)| times);
        let mut scrapes: Vec<(i64, bool)> = Vec::new();
        let mut was_there = false;
        let mut due = START + target.phases[replica];
        while due <= now.min(START + LENGTH) {
            let jitter = noise(due ^ (replica as i64) << 7 ^ (number as i64) << 3, self.jitter);
            let time = due + jitter;
            due += interval;
            if time > now {
                continue;
            }
            let hole = self.holes.iter().find(|hole| {
                hole.replica == replica
                    && hole.target.is_none_or(|own| own == number)
                    && (hole.from..hole.from + hole.length).contains(&(time - START))
            });
            let alive = (target.alive.0..target.alive.1).contains(&(time - START));
            if alive && hole.is_none() {
                scrapes.push((time, false));
            } else if was_there && hole.is_none_or(|hole| hole.marks) {
                scrapes.push((time, true));
            }
            was_there = alive && hole.is_none();
        }
        scrapes
    }
}

/// The answers that a server gives to a probe.
struct Answers {
    counts: Vec<Vec<Counts>>,
    recent: Vec<Recent>,
    listings: Vec<Listing>,
    first: i64,
    live: bool,
}

fn count(batch: &SeriesBatch, after: i64, until: i64) -> Counts {
    let in_window = |series: promql::SeriesRef<'_>| {
        let window = series.window(after + 1, until);
        window.float_values.iter().filter(|value| !is_stale(**value)).count() as u32
    };
    let counts = batch.iter().map(in_window).filter(|count| *count > 0);
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    for count in counts {
        match pairs.iter_mut().find(|(own, _)| *own == count) {
            Some((_, series)) => *series += 1,
            None => pairs.push((count, 1)),
        }
    }
    Counts::new(pairs)
}

fn series_in(batch: &SeriesBatch, after: i64, until: i64) -> Listing {
    let present = batch.iter().filter(|series| {
        series.window(after + 1, until).float_values.iter().any(|value| !is_stale(*value))
    });
    Listing::new(&present.map(|series| series.labels.clone()).collect::<Vec<_>>(), &Labels::empty())
}

fn recent(batch: &SeriesBatch, grid: Grid, now: i64) -> Recent {
    let ages = batch.iter().filter_map(|series| {
        let last = series.window(now - 300_000 + 1, now);
        let time = last.float_times.last()?;
        let value = last.float_values.last()?;
        (!is_stale(*value)).then(|| ((now - time) as f64 / 1000.0).sqrt())
    });
    let ages: Vec<f64> = ages.collect();
    let age = (!ages.is_empty()).then(|| ages.iter().sum());
    Recent { counts: count(batch, now - grid.width_ms, now), age }
}

fn answers(
    stores: &[SeriesBatch],
    terms: &Terms,
    grid: Grid,
    window: (i64, i64),
    now: i64,
) -> Answers {
    let margin = terms.margin(grid);
    let first = grid.at(window.0) - margin;
    let ended = grid.at(now) - 1;
    let wanted = grid.at(window.1) + margin;
    let last = wanted.min(ended);
    let until = if wanted > ended { now } else { grid.end(last) };
    let counts = |batch: &SeriesBatch| {
        (first..=last).map(|bucket| count(batch, grid.end(bucket - 1), grid.end(bucket))).collect()
    };
    Answers {
        counts: stores.iter().map(counts).collect(),
        recent: stores.iter().map(|batch| recent(batch, grid, now)).collect(),
        listings: stores.iter().map(|batch| series_in(batch, grid.end(first - 1), until)).collect(),
        first,
        live: wanted > ended,
    }
}

fn judge(
    stores: &[SeriesBatch],
    settings: &Settings,
    window: (i64, i64),
    now: i64,
) -> Vec<Stretch> {
    let terms = Terms::of(settings).expect("the default rule");
    let grid = Grid::for_window(window.1 - window.0);
    let found = answers(stores, &terms, grid, window, now);
    let listings: Vec<&Listing> = found.listings.iter().collect();
    let mut same_series = BTreeMap::new();
    let evidence = Evidence {
        grid,
        first: found.first,
        counts: &found.counts,
        recent: found.live.then_some((now, &found.recent[..])),
        listings: &listings,
        same_series: &BTreeMap::new(),
    };
    for row in evidence.doubtful(&terms, 4) {
        for bucket in [*row.buckets.start(), *row.buckets.end()] {
            let there = |batch| series_in(batch, grid.end(bucket - 1), grid.end(bucket));
            if stores.windows(2).all(|pair| there(&pair[0]) == there(&pair[1])) {
                same_series.insert(bucket, there(&stores[0]).digest());
            }
        }
    }
    Evidence { same_series: &same_series, ..evidence }.stretches(&terms, window)
}

/// The samples and markers of a batch in a stretch, by series.
fn within(batch: &SeriesBatch, from: i64, to: i64) -> Vec<(Labels, Vec<(i64, u64)>)> {
    let mut all: Vec<_> = batch
        .iter()
        .filter_map(|series| {
            let window = series.window(from, to);
            let bits = window.float_values.iter().map(|value| value.to_bits());
            let samples: Vec<_> = window.float_times.iter().copied().zip(bits).collect();
            (!samples.is_empty()).then(|| (series.labels.clone(), samples))
        })
        .collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

/// Every stretch that is claimed is what the merge makes of it.
fn check(fleet: &Fleet, window: (i64, i64), now: i64) -> Vec<Stretch> {
    let stores: Vec<SeriesBatch> =
        (0..fleet.replicas).map(|replica| fleet.stores(replica, now)).collect();
    let stretches = judge(&stores, &fleet.settings, window, now);
    let views: Vec<&SeriesBatch> = stores.iter().collect();
    let options = policy::Options { end_ms: now, ..policy::Options::everything(now) };
    let merged = policy::merge(&Binding::native(fleet.settings.clone()), &views, &options).series;
    let mut before = window.0;
    for (from, to, replica) in &stretches {
        assert!(before <= *from && from <= to && *to <= window.1, "{stretches:?} in {window:?}");
        before = to + 1;
        let (own, all) = (within(&stores[*replica], *from, *to), within(&merged, *from, *to));
        assert_eq!(own, all, "replica {replica} from {from} to {to}: {fleet:?}");
    }
    stretches
}

fn target() -> impl Strategy<Value = Target> {
    let interval = prop::sample::select(vec![5_000_i64, 15_000, 15_000, 30_000, 60_000]);
    let phases = prop_oneof![
        (0_i64..60_000).prop_map(|phase| vec![phase; 3]),
        prop::collection::vec(0_i64..60_000, 3),
        Just(vec![0, 7_000, 11_000]),
    ];
    let alive = prop_oneof![
        4 => Just((i64::MIN / 2, i64::MAX / 2)),
        1 => (0..LENGTH).prop_map(|end| (i64::MIN / 2, end)),
        1 => (0..LENGTH).prop_map(|start| (start, i64::MAX / 2)),
    ];
    (interval, phases, 1_usize..4, alive).prop_map(|(interval, phases, series, alive)| Target {
        interval,
        phases: phases.into_iter().map(|phase| phase % interval).collect(),
        series,
        alive,
    })
}

fn hole(replicas: usize) -> impl Strategy<Value = Hole> {
    let length = prop_oneof![1_000_i64..90_000, 60_000_i64..20 * MINUTE, 20 * MINUTE..90 * MINUTE];
    let target = prop_oneof![2 => Just(None), 3 => (0_usize..3).prop_map(Some)];
    (0..replicas, target, 0..LENGTH, length, any::<bool>()).prop_map(
        |(replica, target, from, length, marks)| Hole { replica, target, from, length, marks },
    )
}

fn settings() -> impl Strategy<Value = Settings> {
    prop_oneof![
        4 => Just(Settings::DEFAULT),
        1 => prop::sample::select(vec![0_i64, 5_000, 10_000, 20_000, 120_000]).prop_map(|ms| {
            Settings { anti_affinity: AntiAffinity::Static(ms), ..Settings::DEFAULT }
        }),
    ]
}

fn fleet() -> impl Strategy<Value = Fleet> {
    (2_usize..4).prop_flat_map(|replicas| {
        (
            prop::collection::vec(target(), 1..4),
            prop::collection::vec(hole(replicas), 0..4),
            prop::sample::select(vec![0_i64, 0, 3, 200]),
            prop_oneof![5 => Just(None), 1 => (0..replicas, 2_i64..4).prop_map(Some)],
            prop_oneof![5 => Just(None), 1 => (0..replicas, 0_usize..2).prop_map(Some)],
            settings(),
        )
            .prop_map(move |(targets, holes, jitter, eager, lonely, settings)| Fleet {
                replicas,
                targets,
                holes,
                jitter,
                eager,
                lonely,
                settings,
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_claimed_is_what_the_merge_takes(
        fleet in fleet(),
        from in 10 * MINUTE..60 * MINUTE,
        length in 0..120 * MINUTE,
        now in 100 * MINUTE..LENGTH,
    ) {
        let window = (START + from, (START + from + length).min(START + now));
        check(&fleet, window, START + now);
    }
}

/// Two replicas of one target of two series, scraped every 15 seconds.
fn pair(phases: [i64; 2]) -> Fleet {
    let target = Target {
        interval: 15_000,
        phases: phases.to_vec(),
        series: 2,
        alive: (i64::MIN / 2, i64::MAX / 2),
    };
    Fleet {
        replicas: 2,
        targets: vec![target],
        holes: Vec::new(),
        jitter: 0,
        eager: None,
        lonely: None,
        settings: Settings::DEFAULT,
    }
}

fn hole_of(replica: usize, from: i64, length: i64) -> Hole {
    Hole { replica, target: None, from: from * MINUTE, length: length * MINUTE, marks: false }
}

const WINDOW: (i64, i64) = (START + 20 * MINUTE, START + 80 * MINUTE);
const LATER: i64 = START + 140 * MINUTE;

#[test]
fn whole_replicas_are_whole_from_end_to_end() {
    for phases in [[0, 0], [3_000, 10_500]] {
        assert_eq!(check(&pair(phases), WINDOW, LATER), [(WINDOW.0, WINDOW.1, 0)]);
    }
}

#[test]
fn at_the_present_offset_replicas_leave_the_newest_samples_open() {
    let now = WINDOW.1;
    assert_eq!(check(&pair([3_000, 3_000]), WINDOW, now), [(WINDOW.0, now, 0)]);
    assert_eq!(check(&pair([3_000, 10_500]), WINDOW, now), [(WINDOW.0, now - 22_500, 0)]);
}

#[test]
fn a_hole_is_left_out_with_its_surroundings() {
    let fleet = Fleet { holes: vec![hole_of(0, 50, 2)], ..pair([0, 7_000]) };
    let stretches = check(&fleet, WINDOW, LATER);
    assert!(
        matches!(stretches[..], [(from, a, 0), (b, to, 0)]
        if (from, to) == WINDOW && a < START + 50 * MINUTE && b > START + 52 * MINUTE
            && b - a < 16 * MINUTE),
        "{stretches:?}"
    );
}

#[test]
fn in_a_long_hole_the_next_replica_is_whole() {
    let fleet = Fleet { holes: vec![hole_of(0, 30, 35)], ..pair([0, 7_000]) };
    let stretches = check(&fleet, WINDOW, LATER);
    let replicas: Vec<usize> = stretches.iter().map(|(_, _, replica)| *replica).collect();
    assert_eq!(replicas, [0, 1, 0], "{stretches:?}");
}

#[test]
fn a_hole_of_the_second_replica_costs_nothing() {
    let fleet = Fleet { holes: vec![hole_of(1, 50, 2)], ..pair([0, 7_000]) };
    assert_eq!(check(&fleet, WINDOW, LATER), [(WINDOW.0, WINDOW.1, 0)]);
}

#[test]
fn holes_of_equal_length_in_different_targets_do_not_cancel() {
    let mut fleet = pair([0, 7_000]);
    fleet.targets.push(Target { phases: vec![4_000, 9_000], ..fleet.targets[0].clone() });
    fleet.holes = vec![
        Hole { target: Some(0), ..hole_of(0, 0, 150) },
        Hole { target: Some(1), ..hole_of(1, 0, 150) },
    ];
    assert_eq!(check(&fleet, WINDOW, LATER), []);
}

#[test]
fn restarts_one_after_the_other_within_a_bucket_leave_it_open() {
    let fleet = Fleet { holes: vec![hole_of(0, 51, 1), hole_of(1, 52, 1)], ..pair([0, 7_000]) };
    let stretches = check(&fleet, WINDOW, LATER);
    assert_eq!(stretches.len(), 2, "{stretches:?}");
}

#[test]
fn holes_that_come_again_in_every_bucket_do_not_pass_for_whole() {
    let holes = (0..30).map(|number| Hole {
        from: number * 5 * MINUTE + 61_000,
        length: 15_000,
        ..hole_of(0, 0, 0)
    });
    let others = (0..30).map(|number| Hole {
        from: number * 5 * MINUTE + 181_000,
        length: 15_000,
        ..hole_of(1, 0, 0)
    });
    let fleet = Fleet { holes: holes.chain(others).collect(), ..pair([0, 7_000]) };
    assert_eq!(check(&fleet, WINDOW, LATER), []);
}

#[test]
fn replicas_of_different_intervals_are_never_whole() {
    for eager in [0, 1] {
        let fleet = Fleet { eager: Some((eager, 3)), ..pair([0, 7_000]) };
        assert_eq!(check(&fleet, WINDOW, LATER), []);
    }
}

#[test]
fn a_series_that_only_one_replica_has_prevents_it() {
    for owner in [0, 1] {
        let fleet = Fleet { lonely: Some((owner, 0)), ..pair([0, 7_000]) };
        let stretches = check(&fleet, WINDOW, LATER);
        assert_eq!(stretches, [], "{owner}");
    }
}

#[test]
fn where_series_come_and_go_the_time_between_is_whole() {
    let mut fleet = pair([0, 7_000]);
    let change = 52 * MINUTE;
    fleet.targets.push(Target { alive: (change, i64::MAX / 2), ..fleet.targets[0].clone() });
    fleet.targets.push(Target { alive: (i64::MIN / 2, change), ..fleet.targets[0].clone() });
    let stretches = check(&fleet, WINDOW, LATER);
    assert!(
        matches!(stretches[..], [(from, _, 0), (_, to, 0)] if (from, to) == WINDOW),
        "{stretches:?}"
    );
}

#[test]
fn a_series_in_place_of_another_on_the_border_of_buckets_is_seen() {
    let mut fleet = pair([0, 10_500]);
    let change = 50 * MINUTE;
    fleet.targets.push(Target { alive: (change, i64::MAX / 2), ..fleet.targets[0].clone() });
    fleet.targets.push(Target { alive: (i64::MIN / 2, change), ..fleet.targets[0].clone() });
    assert_eq!(check(&fleet, WINDOW, LATER), []);
}

#[test]
fn where_nobody_has_data_the_first_replica_says_so() {
    let empty = Fleet { targets: Vec::new(), ..pair([0, 0]) };
    assert_eq!(check(&empty, WINDOW, LATER), [(WINDOW.0, WINDOW.1, 0)]);
    assert_eq!(check(&empty, WINDOW, WINDOW.1), [(WINDOW.0, WINDOW.1, 0)]);
}

#[test]
fn a_wide_static_distance_looks_further() {
    let far = Settings { anti_affinity: AntiAffinity::Static(600_000), ..Settings::DEFAULT };
    let fleet = Fleet { holes: vec![hole_of(0, 50, 2)], settings: far, ..pair([0, 7_000]) };
    let stretches = check(&fleet, WINDOW, LATER);
    let [(_, a, 0), (b, _, 0)] = stretches[..] else { panic!("{stretches:?}") };
    assert!(b - a > 20 * MINUTE, "{stretches:?}");
    let near = Settings { anti_affinity: AntiAffinity::Static(5_000), ..Settings::DEFAULT };
    assert_eq!(check(&Fleet { settings: near, ..pair([0, 7_000]) }, WINDOW, LATER), []);
}

#[test]
fn only_the_default_rule_takes_samples_as_they_are() {
    for settings in [
        Settings { rule: Rule::Promxy, ..Settings::DEFAULT },
        Settings { rule: Rule::First, ..Settings::DEFAULT },
        Settings { prefer_max: true, ..Settings::DEFAULT },
    ] {
        assert_eq!(Terms::of(&settings), None);
    }
}
