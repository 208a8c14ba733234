//! For the tests of policies: a policy on samples that are written down, and
//! the table of a README, whose answer must be the policy's.

use crate::{Kind, Plan, Policy, Series, Settings};

/// Where the samples of one series come from, as (replica, time).
pub fn times(replicas: &[&[i64]], plan: impl Fn(&Series<'_>, &mut Plan)) -> Vec<(usize, i64)> {
    let timed: Vec<Vec<(i64, f64)>> =
        replicas.iter().map(|times| times.iter().map(|time| (*time, 0.0)).collect()).collect();
    let timed: Vec<&[(i64, f64)]> = timed.iter().map(Vec::as_slice).collect();
    run(&timed, plan).into_iter().map(|(replica, (time, _))| (replica, time)).collect()
}

/// The merged samples of one series, as (time, value).
pub fn samples(
    replicas: &[&[(i64, f64)]],
    plan: impl Fn(&Series<'_>, &mut Plan),
) -> Vec<(i64, f64)> {
    run(replicas, plan).into_iter().map(|(_, sample)| sample).collect()
}

fn run(
    replicas: &[&[(i64, f64)]],
    plan: impl Fn(&Series<'_>, &mut Plan),
) -> Vec<(usize, (i64, f64))> {
    let mut offsets = vec![0];
    for samples in replicas {
        offsets.push(offsets[offsets.len() - 1] + samples.len() as u32);
    }
    let timestamps: Vec<i64> = replicas.concat().iter().map(|sample| sample.0).collect();
    let values: Vec<u64> = replicas.concat().iter().map(|sample| sample.1.to_bits()).collect();
    let kind = Kind::Unknown;
    let series = Series { kind, offsets: &offsets, timestamps: &timestamps, values: &values };
    let mut decided = Plan::default();
    plan(&series, &mut decided);
    decided.finish_series();
    let mut taken = Vec::new();
    for run in decided.runs.chunks_exact(3) {
        let [replica, start, length] = [run[0], run[1], run[2]].map(|number| number as usize);
        let samples = replicas[replica][start..start + length].iter();
        taken.extend(samples.map(|sample| (replica, *sample)));
    }
    assert!(taken.is_sorted_by(|one, other| one.1.0 < other.1.0), "times ascend: {taken:?}");
    taken
}

/// Checks every table of a README against the policy.
///
/// A table is an indented block. Its first line is `settings` and JSON, or
/// left out; then `seconds` and the moments; then a line for each replica, `.`
/// where it has no sample; and last what is answered.
pub fn readme<P: Policy>(text: &str) {
    let tables = tables(text);
    assert!(!tables.is_empty(), "the README has no table");
    for table in tables {
        let settings = Settings::parse(&table.settings, P::SETTINGS).expect("settings of a table");
        let (policy, _) = P::configure(&settings).expect("settings of a table");
        let replicas: Vec<&[(i64, f64)]> = table.replicas.iter().map(Vec::as_slice).collect();
        let answer = samples(&replicas, |series, plan| policy.plan(series, plan));
        assert_eq!(answer, table.answer, "{table:?}");
    }
}

#[derive(Debug, Default)]
struct Table {
    settings: String,
    seconds: Vec<i64>,
    replicas: Vec<Vec<(i64, f64)>>,
    answer: Vec<(i64, f64)>,
}

fn tables(text: &str) -> Vec<Table> {
    let mut tables = Vec::new();
    let mut table = Table::default();
    for line in text.lines().filter_map(|line| line.strip_prefix("    ")) {
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        match name {
            "settings" => table.settings = rest.trim().to_owned(),
            "seconds" => table.seconds = rest.split_whitespace().map(number).collect(),
            "replica" => {
                let (_, row) = rest.split_once(' ').expect("a replica has a number");
                table.replicas.push(samples_of(&table.seconds, row));
            }
            "answer" => {
                table.answer = samples_of(&table.seconds, rest);
                tables.push(std::mem::take(&mut table));
            }
            _ => {}
        }
    }
    tables
}

fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a number in a table")
}

fn samples_of(seconds: &[i64], row: &str) -> Vec<(i64, f64)> {
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells.len(), seconds.len(), "as many cells as moments: {row}");
    let held = seconds.iter().zip(cells).filter(|(_, cell)| *cell != ".");
    held.map(|(second, cell)| (second * 1000, number(cell))).collect()
}
