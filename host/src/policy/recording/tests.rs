//! Round trips, damage, hostile files, rotation.

use std::io::Cursor;
use std::path::Path;
use std::sync::{Arc, Mutex};

use proptest::collection::vec;
use proptest::prelude::*;

use promql::histogram::{CUSTOM_BUCKETS_SCHEMA, Span};
use promql::series::STALE_NAN_BITS;
use promql::{CounterResetHint, Histogram, Labels, SeriesBatch};

use super::*;

/// A file of these entries.
fn file(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = [&MAGIC[..], &[VERSION]].concat();
    for entry in entries {
        bytes.extend(encode::frame(entry).expect("small enough"));
    }
    bytes
}

/// What is read of a file, and the error at its end.
fn read(bytes: &[u8]) -> (Vec<Entry>, Option<Error>) {
    let reader = match Reader::new(Box::new(Cursor::new(bytes.to_vec())), Path::new("f.pwrec")) {
        Ok(reader) => reader,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let (mut entries, mut last) = (Vec::new(), None);
    for entry in reader {
        assert!(last.is_none(), "nothing follows an error");
        match entry {
            Ok(entry) => entries.push(entry),
            Err(error) => last = Some(error),
        }
    }
    (entries, last)
}

/// Everything of an entry as text, values by their bits.
fn exact(entry: &Entry) -> String {
    use std::fmt::Write as _;
    let bits = |values: &[f64]| values.iter().map(|own| own.to_bits()).collect::<Vec<_>>();
    let head = Entry { replicas: Vec::new(), ..entry.clone() };
    let mut text = format!("{head:?}");
    for batch in &entry.replicas {
        text.push_str("\nreplica");
        for (index, series) in batch.iter().enumerate() {
            let (times, values) = (series.float_times, bits(series.float_values));
            let starts = (batch.float_starts(index), batch.histogram_starts(index));
            write!(text, "\n{:?} {times:?} {values:?} {starts:?}", series.labels).expect("text");
            for (time, own) in series.histogram_times.iter().zip(series.histogram_values) {
                let totals = bits(&[own.zero_threshold, own.zero_count, own.count, own.sum]);
                let buckets = [&own.positive_buckets, &own.negative_buckets, &own.custom_values];
                let buckets = buckets.map(|own| bits(own));
                let spans = (&own.positive_spans, &own.negative_spans);
                let head = (own.counter_reset_hint, own.schema);
                write!(text, "\n{time} {head:?} {totals:?} {spans:?} {buckets:?}").expect("text");
            }
        }
    }
    text
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (0u32..1000).prop_map(f64::from),
        2 => any::<u64>().prop_map(f64::from_bits),
        1 => Just(f64::from_bits(STALE_NAN_BITS)),
        1 => Just(f64::from_bits(0x7ff8_0000_dead_beef)),
        1 => Just(-0.0),
    ]
}

fn times() -> impl Strategy<Value = Vec<i64>> {
    let near = vec(0i64..40, 0..30).prop_map(|steps| {
        let mut time = 1_760_000_000_000;
        let next = |step: i64| {
            time += if step < 30 { 15_000 } else { step };
            time
        };
        steps.into_iter().map(next).collect::<Vec<_>>()
    });
    let anywhere = vec(any::<i64>(), 0..5).prop_map(|mut times| {
        times.sort_unstable();
        times.dedup();
        times
    });
    prop_oneof![8 => near, 1 => anywhere]
}

fn histogram() -> impl Strategy<Value = Histogram> {
    let side = || {
        vec((-5i32..5, 1u32..4), 0..3).prop_flat_map(|spans| {
            let spans: Vec<Span> =
                spans.into_iter().map(|(offset, length)| Span { offset, length }).collect();
            let buckets = spans.iter().map(|span| span.length as usize).sum::<usize>();
            (Just(spans), vec(value(), buckets))
        })
    };
    let hint = prop_oneof![
        Just(CounterResetHint::Unknown),
        Just(CounterResetHint::Reset),
        Just(CounterResetHint::NotReset),
        Just(CounterResetHint::Gauge),
    ];
    let schema = prop_oneof![-4i32..=8, Just(CUSTOM_BUCKETS_SCHEMA)];
    let totals = (value(), value(), value(), value());
    (hint, schema, totals, side(), side(), vec(value(), 0..3)).prop_map(
        |(counter_reset_hint, schema, totals, positive, negative, custom_values)| Histogram {
            counter_reset_hint,
            schema,
            zero_threshold: totals.0,
            zero_count: totals.1,
            count: totals.2,
            sum: totals.3,
            positive_spans: positive.0,
            positive_buckets: positive.1,
            negative_spans: negative.0,
            negative_buckets: negative.1,
            custom_values,
        },
    )
}

#[derive(Clone, Debug)]
struct Drawn {
    labels: Vec<(String, String)>,
    times: Vec<i64>,
    values: Vec<f64>,
    /// Which samples are histograms: those whose number this divides.
    histograms: Option<(usize, Vec<Histogram>)>,
    starts: Option<i64>,
}

fn series() -> impl Strategy<Value = Drawn> {
    let label = ("[a-c]{1,2}|__name__|é", "[x-z]{1,3}|\u{0}|日本");
    let histograms = proptest::option::weighted(0.3, (1usize..4, vec(histogram(), 1..4)));
    let starts = proptest::option::weighted(0.2, any::<i64>());
    (vec(label, 0..4), times(), vec(value(), 30), histograms, starts).prop_map(
        |(labels, times, values, histograms, starts)| Drawn {
            labels,
            times,
            values,
            histograms,
            starts,
        },
    )
}

fn batch(all: Vec<Drawn>) -> SeriesBatch {
    let mut batch = SeriesBatch::new();
    for drawn in all {
        for (number, (time, value)) in drawn.times.iter().zip(&drawn.values).enumerate() {
            match &drawn.histograms {
                Some((every, histograms)) if number % every == 0 => {
                    let own = histograms[number % histograms.len()].clone();
                    batch.push_histogram(*time, own);
                    drawn.starts.into_iter().for_each(|own| batch.start_last_histogram(own));
                }
                _ => {
                    batch.push_float(*time, *value);
                    drawn.starts.into_iter().for_each(|own| batch.start_last_float(own));
                }
            }
        }
        batch.finish_series(Labels::from_pairs(drawn.labels));
    }
    batch
}

fn entry() -> impl Strategy<Value = Entry> {
    let policy = ("[a-z]{0,5}", "[0-9a-f]{0,8}", "", ".{0,9}");
    let policy = policy.prop_map(|(name, digest, settings, builtin)| Recorded {
        name,
        digest,
        settings,
        builtin,
    });
    let replicas = vec(vec(series(), 0..5).prop_map(batch), 0..4);
    ("[a-z]{0,4}", policy, any::<[i64; 5]>(), vec("[a-z]{0,3}", 0..3), replicas).prop_map(
        |(group, policy, [evaluation_ms, start_ms, end_ms, from, to], names, replicas)| Entry {
            group,
            policy,
            evaluation_ms,
            start_ms,
            end_ms,
            asked_ms: (from, to),
            names,
            replicas,
        },
    )
}

proptest! {
    #[test]
    fn entries_come_back_bit_for_bit(entries in vec(entry(), 0..4)) {
        let (back, error) = read(&file(&entries));
        prop_assert!(error.is_none(), "{error:?}");
        let text = |all: &[Entry]| all.iter().map(exact).collect::<Vec<_>>();
        prop_assert_eq!(text(&back), text(&entries));
    }

    #[test]
    fn a_flipped_bit_is_found_and_what_is_before_it_is_read(
        entries in vec(entry(), 1..4),
        place in any::<prop::sample::Index>(),
        bit in 0u8..8,
    ) {
        let mut bytes = file(&entries);
        let head = MAGIC.len() + 1;
        let place = head + place.index(bytes.len() - head);
        bytes[place] ^= 1 << bit;
        let (back, error) = read(&bytes);
        let mut offset = head;
        let whole = entries.iter().take_while(|own| {
            let end = offset + encode::frame(own).expect("small enough").len();
            let is_before = end <= place;
            offset = if is_before { end } else { offset };
            is_before
        });
        let whole: Vec<String> = whole.map(exact).collect();
        prop_assert_eq!(back.iter().map(exact).collect::<Vec<_>>(), whole);
        let text = error.expect("damage is an error").to_string();
        prop_assert!(text.starts_with(&format!("f.pwrec: damaged at byte {offset}: ")), "{}", text);
    }

    #[test]
    fn a_file_cut_anywhere_gives_its_whole_frames(
        entries in vec(entry(), 1..4),
        place in any::<prop::sample::Index>(),
    ) {
        let bytes = file(&entries);
        let head = MAGIC.len() + 1;
        let cut = head + place.index(bytes.len() - head + 1);
        let (back, error) = read(&bytes[..cut]);
        let mut ends = vec![head];
        for own in &entries {
            let length = encode::frame(own).expect("small enough").len();
            ends.push(ends[ends.len() - 1] + length);
        }
        prop_assert_eq!(back.len(), ends.iter().filter(|end| **end <= cut).count() - 1);
        prop_assert_eq!(error.is_none(), ends.contains(&cut));
    }

    #[test]
    fn random_bytes_are_refused_or_read_but_never_more(bytes in vec(any::<u8>(), 0..300)) {
        let (entries, error) = read(&bytes);
        prop_assert!(entries.is_empty() && error.is_some());
    }

    /// As one who knows the checksum would write it.
    #[test]
    fn random_payloads_with_a_right_checksum_do_no_harm(
        payload in vec(prop_oneof![0u8..4, any::<u8>()], 0..200),
    ) {
        let (entries, error) = read(&framed(&payload, payload.len()));
        prop_assert!(entries.len() == 1 || error.is_some());
    }

    /// Most of such a payload is right.
    #[test]
    fn changed_payloads_with_a_right_checksum_do_no_harm(
        entry in entry(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let frame = encode::frame(&entry).expect("small enough");
        let mut plain = zstd::bulk::decompress(&frame[FRAME_HEAD..], MAX_PAYLOAD).expect("its own");
        for (place, byte) in changes {
            let place = place.index(plain.len());
            plain[place] = byte;
        }
        let (entries, error) = read(&framed(&plain, plain.len()));
        prop_assert!(entries.len() == 1 || error.is_some());
        for series in entries.iter().flat_map(|own| &own.replicas).flat_map(SeriesBatch::iter) {
            let times = [series.float_times, series.histogram_times];
            prop_assert!(times.iter().all(|own| own.is_sorted_by(|one, next| one < next)));
        }
    }
}

/// A file of one frame with this payload and announced length.
fn framed(payload: &[u8], length: usize) -> Vec<u8> {
    let packed = zstd::bulk::compress(payload, 1).expect("memory suffices");
    let lengths = [packed.len(), length].map(|own| (own as u32).to_le_bytes()).concat();
    let sum = reader::checksum(&lengths, &packed).to_le_bytes();
    [&MAGIC[..], &[VERSION], &lengths, &sum, &packed].concat()
}

fn damage(bytes: &[u8]) -> String {
    let (entries, error) = read(bytes);
    assert_eq!(entries, []);
    error.expect("it cannot be read").to_string()
}

#[test]
fn what_is_no_recording_is_said_so() {
    assert_eq!(damage(b""), "f.pwrec: is no recording of merge inputs");
    assert_eq!(damage(b"promweave"), "f.pwrec: is no recording of merge inputs");
    let newer = [&MAGIC[..], &[9]].concat();
    let text = "f.pwrec: is a recording in version 9 of the format; version 1 is read here";
    assert_eq!(damage(&newer), text);
}

#[test]
fn declared_lengths_cost_nothing() {
    let head = [&MAGIC[..], &[VERSION]].concat();
    let huge = [head.as_slice(), &[0xff; 12]].concat();
    let text = damage(&huge);
    assert!(text.starts_with("f.pwrec: damaged at byte 9: a frame of 4294967295 bytes"), "{text}");
    let lengths = [MAX_PAYLOAD as u32, MAX_PAYLOAD as u32].map(u32::to_le_bytes).concat();
    let cut = [&head[..], &lengths, &[0; 4]].concat();
    assert_eq!(damage(&cut), "f.pwrec: damaged at byte 9: the file ends within a frame");
}

#[test]
fn bombs_are_refused() {
    const BROKEN: &str = "f.pwrec: damaged at byte 9: the frame's content breaks the format";
    // More bytes than announced.
    assert_eq!(damage(&framed(&vec![0; 100 << 20], 1000)), BROKEN);
    // A text that is not there, and a series that is not there.
    assert_eq!(damage(&framed(&[1, 0xff, 0x7f], 3)), BROKEN);
    assert_eq!(damage(&framed(&[&[1, 0][..], &ENTRY, &[100, 0]].concat(), 16)), BROKEN);
}

/// An entry without names and with one replica, up to its series.
const ENTRY: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

fn needs(payload: &[u8], bytes: usize) {
    let is_read = |memory| decode::payload_within(payload, memory).is_some();
    assert!(!is_read(bytes), "less than {bytes} bytes for {} of payload", payload.len());
    assert!(is_read(2 * bytes), "more than {} bytes for {} of payload", 2 * bytes, payload.len());
}

#[test]
fn memory_is_bounded_however_little_the_payload_says() {
    const MANY: usize = 100_000;
    let beginning = |texts: &[&str], series: usize| {
        let mut payload = vec![texts.len() as u8];
        for text in texts {
            varint::put(&mut payload, text.len() as u64);
            payload.extend(text.as_bytes());
        }
        payload.extend(ENTRY);
        varint::put(&mut payload, series as u64);
        payload
    };
    // Series without anything: no flags, no labels, no samples.
    let mut series = beginning(&[""], MANY);
    series.resize(series.len() + 3 * MANY, 0);
    needs(&series, 100 * MANY);
    // A long text in every series.
    let long = "x".repeat(10_000);
    let mut labels = beginning(&["a", &long], 1000);
    (0..1000).for_each(|_| labels.extend([0, 1, 0, 1, 0]));
    needs(&labels, 1000 * 10_000);
    // Series that share the timestamps of the first.
    let mut shared = beginning(&[""], 100);
    shared.extend([0, 0]);
    varint::put(&mut shared, 10_000);
    shared.push(2);
    shared.resize(shared.len() + 9_999 + 10_000, 0);
    (1..100).for_each(|_| {
        shared.extend([encode::SAME_TIMES, 0]);
        shared.resize(shared.len() + 10_000, 0);
    });
    needs(&shared, 100 * 10_000 * 8);
    // Histograms like the one before.
    let mut histograms = beginning(&[""], 1);
    histograms.extend([encode::HISTOGRAMS, 0, 0]);
    varint::put(&mut histograms, MANY as u64);
    histograms.push(2);
    histograms.resize(histograms.len() + MANY - 1 + 11, 0);
    (1..MANY).for_each(|_| histograms.extend([encode::SAME_LAYOUT, 0, 0, 0]));
    needs(&histograms, MANY * 150);
}

fn small(group: &str, number: i64) -> Entry {
    let mut batch = SeriesBatch::new();
    (0..50).for_each(|time| batch.push_float(time * 15_000, (time * number) as f64 + 0.5));
    batch.finish_series(Labels::from_pairs([("__name__", "up")]));
    let replicas = vec![batch];
    Entry { group: group.to_owned(), evaluation_ms: number, ..Entry::of(replicas) }
}

fn sizes(dir: &Path) -> Vec<u64> {
    let files = files(dir).expect("there are some");
    files.iter().map(|file| file.metadata().expect("a file").len()).collect()
}

#[test]
fn a_folder_keeps_the_newest_within_its_bound() {
    let dir = tempfile::tempdir().expect("a folder");
    let other = dir.path().join("other-0000000000001.pwrec");
    std::fs::write(&other, [0; 5000]).expect("written");
    let most = 8 * 1024;
    let mut folder = Folder::new(dir.path(), "a b", most);
    for number in 0..100 {
        let frame = encode::frame(&small("a b", number)).expect("small");
        folder.append(&frame).expect("written");
        let own = sizes(dir.path()).iter().sum::<u64>() - 5000;
        assert!(own <= most, "{own} bytes after {number}");
    }
    let files = files(dir.path()).expect("there are some");
    let (others, own): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| *file == other);
    assert_eq!(others.len(), 1, "files of others stay");
    assert!((6..=16).contains(&own.len()), "{own:?}");
    let entries: Vec<i64> = own
        .iter()
        .flat_map(|file| Reader::open(file).expect("ours"))
        .map(|entry| entry.expect("whole").evaluation_ms)
        .collect();
    let first = *entries.first().expect("some");
    assert_eq!(entries, (first..100).collect::<Vec<_>>());
    for file in own {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
}

#[test]
fn a_new_folder_goes_on_where_an_old_one_ended() {
    let dir = tempfile::tempdir().expect("a folder");
    let inner = dir.path().join("made/for/it");
    for number in 0..20 {
        let mut folder = Folder::new(&inner, "g", 4096);
        let frame = encode::frame(&small("g", number)).expect("small");
        folder.append(&frame).expect("written");
        assert!(sizes(&inner).iter().sum::<u64>() <= 4096);
    }
    let newest = files(&inner).expect("some").pop().expect("some");
    let last = Reader::open(&newest).expect("ours").last().expect("an entry").expect("whole");
    assert_eq!(last.evaluation_ms, 19);
}

#[test]
fn what_never_fits_is_refused_and_harms_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut folder = Folder::new(dir.path(), "g", 1000);
    let frame = encode::frame(&small("g", 1)).expect("small");
    folder.append(&frame).expect("written");
    assert!(matches!(folder.append(&[0; 1000]), Err(Error::TooLarge(1000))));
    assert_eq!(sizes(dir.path()), [frame.len() as u64 + 9]);
}

#[test]
fn a_writer_records_every_nth_merge_and_counts() {
    let dir = tempfile::tempdir().expect("a folder");
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&outcomes);
    let written = Arc::new(move |outcome| seen.lock().expect("no panic while held").push(outcome));
    let writer = Writer::start(dir.path(), "g", 1 << 20, 0.25, written).expect("a thread");
    for number in 0..40 {
        if writer.wants_next() {
            writer.record(Arc::new(small("g", number)));
        }
    }
    writer.settle();
    let files = files(dir.path()).expect("some");
    let entries = files.iter().flat_map(|file| Reader::open(file).expect("ours"));
    let entries: Vec<i64> = entries.map(|own| own.expect("whole").evaluation_ms).collect();
    assert_eq!(entries, (0..10).map(|n| 4 * n + 3).collect::<Vec<_>>());
    let outcomes = outcomes.lock().expect("no panic while held");
    let bytes: u64 =
        outcomes.iter().map(|own| if let Outcome::Recorded(n) = own { *n } else { 0 }).sum();
    assert_eq!(outcomes.len(), 10, "{outcomes:?}");
    assert_eq!([bytes + 9], *sizes(dir.path()));
}

#[test]
fn a_disk_that_fails_costs_the_recording_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("file");
    std::fs::write(&file, "in the way").expect("written");
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&outcomes);
    let written = Arc::new(move |outcome| seen.lock().expect("no panic while held").push(outcome));
    let writer = Writer::start(&file, "g", 1 << 20, 1.0, written).expect("a thread");
    writer.record(Arc::new(small("g", 1)));
    writer.settle();
    assert_eq!(*outcomes.lock().expect("no panic while held"), [Outcome::Failed]);
}

#[test]
fn a_sample_of_none_wants_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let writer = Writer::start(dir.path(), "g", 1 << 20, 0.0, Arc::new(|_| {})).expect("a thread");
    assert!((0..1000).all(|_| !writer.wants_next()));
    let writer = Writer::start(dir.path(), "g", 1 << 20, 1.0, Arc::new(|_| {})).expect("a thread");
    assert!((0..1000).all(|_| writer.wants_next()));
}
