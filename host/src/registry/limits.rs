//! Limits as operators write them, and as the sandbox takes them.

use super::{Error, LimitsText};
use crate::policy::{EngineLimits, Limits};

/// The allowed deadlines, in milliseconds. A query waits for each call.
const DEADLINE_MS: (u64, u64) = (1, 10_000);
/// The least memory: one page of WebAssembly.
const LEAST_MEMORY: u64 = 64 << 10;
/// The allowed sizes of an answer; it is copied out of the sandbox.
const ANSWER: (u64, u64) = (1 << 10, 64 << 20);

/// Units of bytes, binary first: they are what is printed.
const UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

/// The limits, with the defaults where nothing is said.
///
/// # Errors
/// [`Error::Key`] for the first one that is out of its range.
pub(super) fn parse(text: &LimitsText) -> Result<Limits, Error> {
    let default = Limits::default();
    let read = |key, text: &Option<String>, parse: fn(&str) -> Result<u64, String>| {
        let value = text.as_deref().map(parse).transpose();
        value.map_err(|reason| Error::Key { key: format!("limits.{key}"), reason })
    };
    let deadline_ms = read("deadline", &text.deadline, deadline)?;
    let memory_bytes = read("memory", &text.memory, memory)?;
    let copied_bytes = read("answer", &text.answer, answer)?;
    let table = text.table_elements.map(table_elements).transpose();
    let table =
        table.map_err(|reason| Error::Key { key: "limits.table_elements".to_owned(), reason })?;
    Ok(Limits {
        deadline_ms: deadline_ms.unwrap_or(default.deadline_ms),
        memory_bytes: memory_bytes.map_or(default.memory_bytes, size),
        copied_bytes: copied_bytes.map_or(default.copied_bytes, size),
        table_elements: table.map_or(default.table_elements, size),
    })
}

/// The text of limits, all of them.
#[must_use]
pub(super) fn print(limits: &Limits) -> LimitsText {
    let deadline_ms = i64::try_from(limits.deadline_ms).unwrap_or(i64::MAX);
    LimitsText {
        deadline: Some(promql::duration::format_ms(deadline_ms)),
        memory: Some(print_bytes(limits.memory_bytes as u64)),
        answer: Some(print_bytes(limits.copied_bytes as u64)),
        table_elements: Some(limits.table_elements as u64),
    }
}

/// A deadline in milliseconds; the error says what is allowed.
pub(crate) fn deadline(text: &str) -> Result<u64, String> {
    let (least, most) = DEADLINE_MS;
    let nanos = promql::duration::parse_go(text).ok().and_then(|nanos| u64::try_from(nanos).ok());
    let whole = nanos.filter(|nanos| nanos % 1_000_000 == 0).map(|nanos| nanos / 1_000_000);
    whole.filter(|ms| (least..=most).contains(ms)).ok_or_else(|| {
        format!("found {text:?}, expected a duration from 1ms to 10s in whole milliseconds, such as 50ms")
    })
}

/// Bytes of memory; the error says what is allowed.
pub(crate) fn memory(text: &str) -> Result<u64, String> {
    bytes(text, (LEAST_MEMORY, EngineLimits::default().memory_bytes as u64), "64MiB")
}

/// Bytes of an answer; the error says what is allowed.
pub(crate) fn answer(text: &str) -> Result<u64, String> {
    bytes(text, ANSWER, "8MiB")
}

/// Elements of tables; the error says what is allowed.
pub(crate) fn table_elements(count: u64) -> Result<u64, String> {
    let most = EngineLimits::default().table_elements as u64;
    if (1..=most).contains(&count) {
        return Ok(count);
    }
    Err(format!("found {count}, expected a number from 1 to {most}"))
}

fn bytes(text: &str, (least, most): (u64, u64), example: &str) -> Result<u64, String> {
    parse_bytes(text).filter(|bytes| (least..=most).contains(bytes)).ok_or_else(|| {
        format!(
            "found {text:?}, expected a size from {} to {}, such as {example} (units B, KiB, MiB, GiB, KB, MB, GB)",
            print_bytes(least),
            print_bytes(most)
        )
    })
}

/// A number with a unit, if it is one.
pub(crate) fn parse_bytes(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*scale)
}

/// The shortest text in binary units.
pub(crate) fn print_bytes(bytes: u64) -> String {
    let fits = |(_, scale): &&(&str, u64)| scale.is_power_of_two() && bytes.is_multiple_of(*scale);
    let (unit, scale) = UNITS.iter().find(fits).expect("one byte fits everything");
    format!("{}{unit}", bytes / scale)
}

/// What is in range fits.
fn size(value: u64) -> usize {
    usize::try_from(value).expect("at most some hundred megabytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(deadline: &str, memory: &str, answer: &str, table: u64) -> LimitsText {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        LimitsText {
            deadline: some(deadline),
            memory: some(memory),
            answer: some(answer),
            table_elements: Some(table).filter(|count| *count != 7),
        }
    }

    #[test]
    fn limits_are_read_in_the_words_of_operators() {
        let limits = parse(&text("1.5s", "1 MB", "64KiB", 500)).expect("in range");
        let expected = Limits {
            deadline_ms: 1_500,
            memory_bytes: 1_000_000,
            copied_bytes: 65_536,
            table_elements: 500,
        };
        assert_eq!(limits, expected);
        assert_eq!(parse(&LimitsText::default()).expect("nothing"), Limits::default());
    }

    #[test]
    fn printed_limits_read_back() {
        let print = |limits: &Limits| {
            let text = print(limits);
            assert_eq!(&parse(&text).expect("in range"), limits);
            text
        };
        assert_eq!(print(&Limits::default()), text("50ms", "64MiB", "8MiB", 100_000));
        let odd = Limits { memory_bytes: 1_000_001, ..Limits::default() };
        assert_eq!(print(&odd).memory.as_deref(), Some("1000001B"));
    }

    #[test]
    fn what_is_out_of_range_is_told_with_key_and_range() {
        for (limits, expected) in [
            (
                text("0s", "", "", 7),
                r#"limits.deadline: found "0s", expected a duration from 1ms to 10s"#,
            ),
            (text("10001ms", "", "", 7), "limits.deadline: "),
            (text("1500us", "", "", 7), "in whole milliseconds"),
            (text("50", "", "", 7), "limits.deadline: "),
            (
                text("", "63KiB", "", 7),
                r#"limits.memory: found "63KiB", expected a size from 64KiB to 256MiB"#,
            ),
            (text("", "1GiB", "", 7), "limits.memory: "),
            (text("", "67108864", "", 7), "units B, KiB"),
            (text("", "64Mi", "", 7), "limits.memory: "),
            (text("", "99999999999999999999GiB", "", 7), "limits.memory: "),
            (text("", "18446744073709551615GiB", "", 7), "limits.memory: "),
            (text("", "MiB", "", 7), "limits.memory: "),
            (
                text("", "", "65MiB", 7),
                "limits.answer: found \"65MiB\", expected a size from 1KiB to 64MiB",
            ),
            (
                text("", "", "", 0),
                "limits.table_elements: found 0, expected a number from 1 to 100000",
            ),
        ] {
            let error = parse(&limits).expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
