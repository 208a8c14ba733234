//! Users with passwords: `basic_auth_users` of the web configuration file.
//!
//! bcrypt is slow on purpose. So it runs for one request at a time, off the
//! reactor, and its outcome is remembered; what is remembered is known by a
//! digest, so that no password is kept. A user that does not exist costs as
//! much as a wrong password, so that names cannot be found out with a clock.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{AUTHORIZATION, HeaderMap};
use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;

use crate::config::Secret;
use crate::server::queue::Queue;

/// Outcomes that are remembered, of each kind: Prometheus's number.
const REMEMBERED: usize = 100;
/// Requests that may wait for bcrypt.
const WAITING: usize = 64;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The file names no users: nobody has to say who they are.
    Anybody,
    /// This user, with the right password.
    User(String),
    /// Neither.
    Stranger,
    /// Too many wait to be checked.
    Busy,
}

/// A name and a password as they came.
#[derive(Clone)]
pub struct Credentials {
    name: String,
    password: Vec<u8>,
}

impl Credentials {
    /// Those of a request's `Authorization: Basic …`.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, encoded) = value.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = STANDARD.decode(encoded.trim()).ok()?;
        let colon = decoded.iter().position(|byte| *byte == b':')?;
        let name = String::from_utf8(decoded[..colon].to_vec()).ok()?;
        Some(Self { name, password: decoded[colon + 1..].to_vec() })
    }
}

/// Checks passwords and remembers what came of it.
#[derive(Debug)]
pub(super) struct Users {
    bcrypt: Queue,
    /// Those that were right, and those that were wrong: a flood of the
    /// second kind does not make anybody forget the first.
    remembered: Mutex<[Memory; 2]>,
}

type Key = [u8; 32];

#[derive(Debug, Default)]
struct Memory {
    known: HashSet<Key>,
    order: VecDeque<Key>,
}

impl Memory {
    fn keep(&mut self, key: Key) {
        if self.known.insert(key) {
            self.order.push_back(key);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

impl Default for Users {
    fn default() -> Self {
        Self { bcrypt: Queue::new(1, WAITING), remembered: Mutex::default() }
    }
}

impl Users {
    pub(super) async fn verify(
        &self,
        users: &BTreeMap<String, Secret>,
        headers: &HeaderMap,
    ) -> Verdict {
        if users.is_empty() {
            return Verdict::Anybody;
        }
        let Some(Credentials { name, password }) = Credentials::of(headers) else {
            return Verdict::Stranger;
        };
        // Somebody else's hash stands in for that of a user who does not exist.
        let hash = users.get(&name).or_else(|| users.values().next());
        let hash = hash.map_or("", Secret::expose).to_owned();
        let key = key(&[name.as_bytes(), hash.as_bytes(), &password]);
        let right = match self.recall(&key) {
            Some(right) => right,
            None => {
                let Ok(place) = self.bcrypt.enter().await else { return Verdict::Busy };
                let checked = spawn_blocking(move || {
                    let _place = place;
                    bcrypt::verify(password, &hash).unwrap_or(false)
                });
                let right = checked.await.unwrap_or(false);
                self.remember(key, right);
                right
            }
        };
        if right && users.contains_key(&name) { Verdict::User(name) } else { Verdict::Stranger }
    }

    fn recall(&self, key: &Key) -> Option<bool> {
        let [right, wrong] = &*self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if right.known.contains(key) {
            Some(true)
        } else {
            wrong.known.contains(key).then_some(false)
        }
    }

    fn remember(&self, key: Key, right: bool) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered[usize::from(!right)].keep(key);
    }
}

/// A digest that tells the parts' ends.
fn key(parts: &[&[u8]]) -> Key {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn authorization(value: &str) -> HeaderMap {
        let value = HeaderValue::from_str(value).expect("a header");
        HeaderMap::from_iter([(AUTHORIZATION, value)])
    }

    fn basic(name: &str, password: &str) -> HeaderMap {
        authorization(&format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))))
    }

    fn alice() -> BTreeMap<String, Secret> {
        let hash = bcrypt::hash("a:b", 4).expect("a hash");
        BTreeMap::from([("alice".to_owned(), Secret::new(hash))])
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_known_user_will_do() {
        let (users, known) = (Users::default(), alice());
        assert_eq!(users.verify(&BTreeMap::new(), &HeaderMap::new()).await, Verdict::Anybody);
        // Twice: the second time it is remembered.
        for _ in 0..2 {
            let right = users.verify(&known, &basic("alice", "a:b")).await;
            assert_eq!(right, Verdict::User("alice".to_owned()));
            let wrong = users.verify(&known, &basic("alice", "a:c")).await;
            assert_eq!(wrong, Verdict::Stranger);
        }
        for other in [
            HeaderMap::new(),
            authorization("Bearer a"),
            authorization("Basic %"),
            basic("bob", "a:b"),
        ] {
            assert_eq!(users.verify(&known, &other).await, Verdict::Stranger, "{other:?}");
        }
    }

    #[tokio::test]
    async fn a_changed_password_counts_at_once() {
        let (users, mut known) = (Users::default(), alice());
        assert_ne!(users.verify(&known, &basic("alice", "a:b")).await, Verdict::Stranger);
        let hash = bcrypt::hash("other", 4).expect("a hash");
        known.insert("alice".to_owned(), Secret::new(hash));
        assert_eq!(users.verify(&known, &basic("alice", "a:b")).await, Verdict::Stranger);
    }

    #[test]
    fn memory_has_a_bound() {
        let mut memory = Memory::default();
        (0..1000_u64).for_each(|i| memory.keep(key(&[&i.to_be_bytes()])));
        assert_eq!((memory.known.len(), memory.order.len()), (REMEMBERED, REMEMBERED));
    }
}
