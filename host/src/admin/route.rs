//! What a path of the admin address means, and which methods it takes.
//!
//! Segments are told apart before they are decoded, so that a server group's
//! name may have a slash in it, as `%2F`.

use hyper::Method;

use super::Error;
use crate::api::form::decode_segment;

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Links for people.
    Index,
    /// Alive.
    Healthy,
    /// Answers.
    Ready,
    /// All policies.
    Policies,
    /// The versions of a name.
    Policy(String),
    /// One version.
    Version(String, String),
    /// All server groups.
    Groups,
    /// One server group.
    Group(String),
    /// What is bound to it.
    Binding(String),
    /// Make the shadow active.
    Promote(String),
    /// Make the previous one active.
    Rollback(String),
}

/// Where policies are, for hints.
const POLICIES: &str = "/api/v1/policies";
const GROUPS: &str = "/api/v1/server_groups";

impl Target {
    /// What a path means; `None`: nothing.
    pub(super) fn of(path: &str) -> Result<Option<Self>, Error> {
        let fixed = match path {
            "/" => Some(Self::Index),
            "/-/healthy" => Some(Self::Healthy),
            "/-/ready" => Some(Self::Ready),
            _ => None,
        };
        if fixed.is_some() {
            return Ok(fixed);
        }
        if let Some(rest) = segments(path, POLICIES)? {
            return Ok(match <[String; 2]>::try_from(rest) {
                Ok([name, digest]) => Some(Self::Version(name, digest)),
                Err(rest) => match <[String; 1]>::try_from(rest) {
                    Ok([name]) => Some(Self::Policy(name)),
                    Err(rest) => rest.is_empty().then_some(Self::Policies),
                },
            });
        }
        let Some(rest) = segments(path, GROUPS)? else { return Ok(None) };
        let words: Vec<&str> = rest.iter().skip(1).map(String::as_str).collect();
        let Some(group) = rest.first().cloned() else { return Ok(Some(Self::Groups)) };
        Ok(match words.as_slice() {
            [] => Some(Self::Group(group)),
            ["policy"] => Some(Self::Binding(group)),
            ["policy", "promote"] | ["promote"] => Some(Self::Promote(group)),
            ["policy", "rollback"] | ["rollback"] => Some(Self::Rollback(group)),
            _ => None,
        })
    }

    /// The endpoint, as metrics call it.
    pub(super) const fn handler(&self) -> &'static str {
        match self {
            Self::Index => "admin /",
            Self::Healthy => "admin /-/healthy",
            Self::Ready => "admin /-/ready",
            Self::Policies => "/api/v1/policies",
            Self::Policy(_) => "/api/v1/policies/:name",
            Self::Version(..) => "/api/v1/policies/:name/:digest",
            Self::Groups => "/api/v1/server_groups",
            Self::Group(_) => "/api/v1/server_groups/:group",
            Self::Binding(_) => "/api/v1/server_groups/:group/policy",
            Self::Promote(_) => "/api/v1/server_groups/:group/policy/promote",
            Self::Rollback(_) => "/api/v1/server_groups/:group/policy/rollback",
        }
    }

    /// Whether anybody may ask, for it tells nothing.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self, Self::Index | Self::Healthy | Self::Ready)
    }

    fn methods(&self) -> &'static [Method] {
        match self {
            Self::Index
            | Self::Healthy
            | Self::Ready
            | Self::Policies
            | Self::Groups
            | Self::Group(_) => &[Method::GET, Method::HEAD],
            Self::Policy(_) | Self::Binding(_) => {
                &[Method::DELETE, Method::GET, Method::HEAD, Method::PUT]
            }
            Self::Version(..) => &[Method::DELETE, Method::GET, Method::HEAD],
            Self::Promote(_) | Self::Rollback(_) => &[Method::POST],
        }
    }

    /// The value of an `Allow` header.
    pub(super) fn allowed(&self) -> String {
        let mut names: Vec<&str> = self.methods().iter().map(Method::as_str).collect();
        names.push("OPTIONS");
        names.sort_unstable();
        names.join(", ")
    }

    /// Fails for a method that the path does not take.
    pub(super) fn check(&self, method: &Method) -> Result<(), Error> {
        if self.methods().contains(method) {
            return Ok(());
        }
        let uploads = matches!(*method, Method::PUT | Method::POST);
        let hint = match self {
            Self::Policies if uploads => {
                "; a component is uploaded with PUT to /api/v1/policies/NAME"
            }
            Self::Policy(_) if *method == Method::POST => "; a component is uploaded with PUT",
            Self::Version(..) if uploads => {
                "; a component is uploaded with PUT to /api/v1/policies/NAME, without a / at \
                 the end (curl adds the file's name there)"
            }
            Self::Group(_) if uploads => "; a policy is bound with PUT to …/policy",
            _ => "",
        };
        Err(Error::Method { method: method.to_string(), allowed: self.allowed(), hint })
    }
}

/// The decoded segments below `root`; `None` if the path is not there. A slash
/// at the end counts for nothing.
fn segments(path: &str, root: &str) -> Result<Option<Vec<String>>, Error> {
    let Some(rest) = path.strip_prefix(root) else { return Ok(None) };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let Some(rest) = rest.strip_prefix('/') else { return Ok(None) };
    rest.split('/').map(decode).collect::<Result<_, _>>().map(Some)
}

fn decode(segment: &str) -> Result<String, Error> {
    let bytes =
        decode_segment(segment.as_bytes()).map_err(|error| Error::Path(error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| Error::Path(format!("{segment:?} is not UTF-8")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str) -> Option<Target> {
        Target::of(path).expect("a path that can be decoded")
    }

    #[test]
    fn paths_mean_what_the_design_says() {
        let text = |text: &str| text.to_owned();
        let table = [
            ("/", Some(Target::Index)),
            ("/api/v1/policies", Some(Target::Policies)),
            ("/api/v1/policies/", Some(Target::Policies)),
            ("/api/v1/policies/median", Some(Target::Policy(text("median")))),
            ("/api/v1/policies/a/b", Some(Target::Version(text("a"), text("b")))),
            ("/api/v1/policies/a/b/c", None),
            ("/api/v1/policiesx", None),
            ("/api/v1/server_groups", Some(Target::Groups)),
            ("/api/v1/server_groups/a%2Fb%20c", Some(Target::Group(text("a/b c")))),
            ("/api/v1/server_groups/0/policy", Some(Target::Binding(text("0")))),
            ("/api/v1/server_groups/policy/policy", Some(Target::Binding(text("policy")))),
            ("/api/v1/server_groups/0/policy/promote", Some(Target::Promote(text("0")))),
            ("/api/v1/server_groups/0/rollback", Some(Target::Rollback(text("0")))),
            ("/api/v1/server_groups/0/other", None),
            ("/api/v1/query", None),
        ];
        for (path, expected) in table {
            assert_eq!(found(path), expected, "{path}");
        }
        assert!(matches!(Target::of("/api/v1/policies/%zz"), Err(Error::Path(_))));
        assert!(matches!(Target::of("/api/v1/policies/%ff"), Err(Error::Path(_))));
    }

    #[test]
    fn a_wrong_method_is_told_what_was_meant() {
        let version = found("/api/v1/policies/median/median.wasm").expect("a target");
        let error = version.check(&Method::PUT).expect_err("not for PUT").to_string();
        assert!(
            error.starts_with("PUT is not for this path, which takes DELETE, GET, HEAD, OPTIONS;"),
            "{error}"
        );
        assert!(error.contains("curl adds the file's name"), "{error}");
    }
}
