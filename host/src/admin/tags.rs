//! `If-Match` and `If-None-Match` (RFC 9110, section 13).

use hyper::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH};

use super::Error;
use crate::registry::Expect;

/// One header's value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Tags {
    Any,
    List(Vec<Tag>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Tag {
    weak: bool,
    text: String,
}

/// The conditions of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Conditions {
    matching: Option<Tags>,
    not_matching: Option<Tags>,
}

/// What a read is answered, by its conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The data.
    Full,
    /// The client has it already.
    NotModified,
    /// It is not what the client expects.
    Failed,
}

impl Conditions {
    /// Reads both headers.
    ///
    /// # Errors
    /// [`Error::Precondition`] when one is broken: what it means is not
    /// guessed.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Error> {
        Ok(Self {
            matching: read(headers, &IF_MATCH)?,
            not_matching: read(headers, &IF_NONE_MATCH)?,
        })
    }

    /// What a change expects to find. A weak tag is equal to nothing here, as
    /// the RFC demands.
    ///
    /// # Errors
    /// [`Error::Precondition`] for what only makes sense when reading.
    pub(super) fn expect(&self) -> Result<Expect, Error> {
        let fail = |text: &str| Err(Error::Precondition(text.to_owned()));
        match (&self.matching, &self.not_matching) {
            (None, None) => Ok(Expect::Anything),
            (Some(Tags::Any), None) => Ok(Expect::Something),
            (Some(Tags::List(tags)), None) => {
                Ok(Expect::Revision(tags.iter().map(Tag::revision).collect()))
            }
            (None, Some(Tags::Any)) => Ok(Expect::Nothing),
            (None, Some(Tags::List(_))) => fail(
                "If-None-Match: for a change it is * (expect nothing); to name a revision, use If-Match",
            ),
            (Some(_), Some(_)) => {
                fail("If-Match and If-None-Match: for a change, send one of them")
            }
        }
    }

    /// How a read of what has this tag is answered.
    pub(super) fn outcome(&self, current: Option<&str>) -> Outcome {
        let Some(current) = current else { return Outcome::Full };
        let matches = |tags: &Tags, weakly: bool| match tags {
            Tags::Any => true,
            Tags::List(list) => list.iter().any(|tag| (weakly || !tag.weak) && tag.text == current),
        };
        if self.matching.as_ref().is_some_and(|tags| !matches(tags, false)) {
            Outcome::Failed
        } else if self.not_matching.as_ref().is_some_and(|tags| matches(tags, true)) {
            Outcome::NotModified
        } else {
            Outcome::Full
        }
    }
}

impl Tag {
    /// As a revision to compare with; no revision begins like a weak tag.
    fn revision(&self) -> String {
        if self.weak { format!("W/\"{}\"", self.text) } else { self.text.clone() }
    }
}

/// All fields of a name are one list.
fn read(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, Error> {
    let broken = |value: &[u8]| {
        Error::Precondition(format!(
            "{}: expected * or entity tags in quotes, such as \"3f2a\", not {}",
            if name == IF_MATCH { "If-Match" } else { "If-None-Match" },
            String::from_utf8_lossy(value)
        ))
    };
    let mut all: Option<Tags> = None;
    for value in headers.get_all(name) {
        let bytes = value.as_bytes();
        let tags = std::str::from_utf8(bytes).ok().and_then(parse).ok_or_else(|| broken(bytes))?;
        all = Some(match (all, tags) {
            (None, tags) => tags,
            (Some(Tags::List(mut before)), Tags::List(more)) => {
                before.extend(more);
                Tags::List(before)
            }
            _ => return Err(broken(bytes)),
        });
    }
    Ok(all)
}

fn parse(text: &str) -> Option<Tags> {
    if text.trim() == "*" {
        return Some(Tags::Any);
    }
    let mut tags = Vec::new();
    let mut rest = text.trim();
    loop {
        let (weak, quoted) = match rest.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, rest),
        };
        let (tag, after) = quoted.strip_prefix('"')?.split_once('"')?;
        if tag.chars().any(|c| c.is_control() || c == ' ') {
            return None;
        }
        tags.push(Tag { weak, text: tag.to_owned() });
        rest = after.trim_start();
        if rest.is_empty() {
            return Some(Tags::List(tags));
        }
        rest = rest.strip_prefix(',')?.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn conditions(fields: &[(HeaderName, &str)]) -> Result<Conditions, Error> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, HeaderValue::from_str(value).expect("a header"));
        }
        Conditions::of(&headers)
    }

    fn expect(fields: &[(HeaderName, &str)]) -> Result<Expect, String> {
        conditions(fields).and_then(|own| own.expect()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_change_expects_what_its_headers_say() {
        let list =
            |tags: &[&str]| Expect::Revision(tags.iter().map(|tag| (*tag).to_owned()).collect());
        assert_eq!(expect(&[]), Ok(Expect::Anything));
        assert_eq!(expect(&[(IF_MATCH, "*")]), Ok(Expect::Something));
        assert_eq!(expect(&[(IF_NONE_MATCH, " * ")]), Ok(Expect::Nothing));
        assert_eq!(expect(&[(IF_MATCH, "\"a\" ,\"b,c\"")]), Ok(list(&["a", "b,c"])));
        assert_eq!(expect(&[(IF_MATCH, "\"a\""), (IF_MATCH, "\"b\"")]), Ok(list(&["a", "b"])));
        assert_eq!(expect(&[(IF_MATCH, "W/\"a\"")]), Ok(list(&["W/\"a\""])));
    }

    #[test]
    fn what_cannot_be_read_is_not_guessed() {
        for (name, value) in [
            (IF_MATCH, "abc"),
            (IF_MATCH, "\"a"),
            (IF_MATCH, ""),
            (IF_MATCH, "\"a\" \"b\""),
            (IF_MATCH, "*, \"a\""),
            (IF_NONE_MATCH, "\"a\""),
        ] {
            assert!(expect(&[(name, value)]).is_err(), "{value}");
        }
        assert!(expect(&[(IF_MATCH, "*"), (IF_NONE_MATCH, "*")]).is_err());
    }

    #[test]
    fn a_read_is_spared_where_the_client_has_it() {
        let outcome = |fields: &[(HeaderName, &str)]| {
            conditions(fields).expect("good headers").outcome(Some("a"))
        };
        assert_eq!(outcome(&[]), Outcome::Full);
        assert_eq!(outcome(&[(IF_NONE_MATCH, "\"b\", W/\"a\"")]), Outcome::NotModified);
        assert_eq!(outcome(&[(IF_NONE_MATCH, "*")]), Outcome::NotModified);
        assert_eq!(outcome(&[(IF_NONE_MATCH, "\"b\"")]), Outcome::Full);
        assert_eq!(outcome(&[(IF_MATCH, "W/\"a\"")]), Outcome::Failed);
        assert_eq!(outcome(&[(IF_MATCH, "\"a\"")]), Outcome::Full);
        assert_eq!(conditions(&[(IF_NONE_MATCH, "*")]).expect("good").outcome(None), Outcome::Full);
    }
}
