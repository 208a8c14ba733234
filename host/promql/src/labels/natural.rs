//! The order of `sort_by_label`: numbers within texts count as numbers.
//!
//! Prometheus uses github.com/facette/natsort. That is no order: of `1` and
//! `01` each precedes the other, the empty text neither precedes nor follows
//! any, and numbers beyond 64 bits go round in circles. This is the total
//! order that agrees with it on everything else.

use std::cmp::Ordering;

/// Compares chunk by chunk, digits with digits by their value, anything else
/// by its bytes; fewer chunks first; leading zeros decide last.
#[must_use]
pub fn natural_cmp(a: &str, b: &str) -> Ordering {
    let count = |text| chunks(text).count();
    let mut orders = chunks(a).zip(chunks(b)).map(|(a, b)| compare(a, b));
    orders
        .find(|order| order.is_ne())
        .unwrap_or_else(|| count(a).cmp(&count(b)).then_with(|| a.cmp(b)))
}

/// The longest runs of ASCII digits and of anything else, in turn.
fn chunks(text: &str) -> impl Iterator<Item = &[u8]> {
    text.as_bytes().chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
}

fn compare(a: &[u8], b: &[u8]) -> Ordering {
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
        _ => a.cmp(b),
    }
}

/// A chunk of digits without leading zeros.
fn number(chunk: &[u8]) -> Option<&[u8]> {
    chunk.first().filter(|byte| byte.is_ascii_digit())?;
    let zeros = chunk.iter().take_while(|byte| **byte == b'0').count();
    Some(&chunk[zeros..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_within_texts_count_as_numbers() {
        let sorted = [
            "",
            "-1",
            "01",
            "1",
            "1.2",
            "1.10",
            "2",
            "10",
            "18446744073709551616",
            "A1",
            "a",
            "a2",
            "a10",
            "a10b",
            "b",
            "canary1",
            "é1",
        ];
        for (index, a) in sorted.iter().enumerate() {
            for b in &sorted[index + 1..] {
                assert_eq!(natural_cmp(a, b), Ordering::Less, "{a:?} and {b:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn it_is_a_total_order(texts in proptest::collection::vec("[01ab2é.-]{0,4}", 3)) {
            let [a, b, c] = [&texts[0], &texts[1], &texts[2]];
            prop_assert_eq!(natural_cmp(a, b), natural_cmp(b, a).reverse());
            prop_assert_eq!(natural_cmp(a, b) == Ordering::Equal, a == b);
            if natural_cmp(a, b).is_le() && natural_cmp(b, c).is_le() {
                prop_assert!(natural_cmp(a, c).is_le());
            }
        }
    }
}
