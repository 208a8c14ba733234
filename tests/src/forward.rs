//! A TCP forwarder that counts what passes: the independent witness of what a
//! query costs.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// What ends the first line of every request.
const REQUEST: &[u8] = b" HTTP/1.1\r\n";

/// A listening forwarder; it stops accepting when dropped.
#[derive(Debug)]
pub struct Forwarder {
    address: SocketAddr,
    counts: Arc<Counts>,
}

/// What has passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// HTTP requests.
    pub requests: u64,
    /// Bytes of requests, heads included.
    pub sent: u64,
    /// Bytes of answers, heads included.
    pub received: u64,
}

impl std::ops::Add for Traffic {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            sent: self.sent + other.sent,
            received: self.received + other.received,
        }
    }
}

#[derive(Debug, Default)]
struct Counts {
    stopped: AtomicBool,
    requests: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
}

impl Forwarder {
    /// Forwards connections to `upstream`.
    ///
    /// # Panics
    /// When no port can be had.
    #[must_use]
    pub fn start(upstream: SocketAddr) -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        thread::spawn(move || {
            for client in listener.incoming() {
                if shared.stopped.load(Ordering::Relaxed) {
                    return;
                }
                // A connection that fails is closed, which its client sees.
                let _ = client.and_then(|client| join(client, upstream, &shared));
            }
        });
        Self { address, counts }
    }

    /// Its address as `host:port`.
    #[must_use]
    pub fn target(&self) -> String {
        self.address.to_string()
    }

    /// What has passed since the last time this was asked.
    #[must_use]
    pub fn take(&self) -> Traffic {
        Traffic {
            requests: self.counts.requests.swap(0, Ordering::Relaxed),
            sent: self.counts.sent.swap(0, Ordering::Relaxed),
            received: self.counts.received.swap(0, Ordering::Relaxed),
        }
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.counts.stopped.store(true, Ordering::Relaxed);
        // Wakes the accepting thread; if that fails, it has ended already.
        let _ = TcpStream::connect(self.address);
    }
}

/// Carries both directions of a connection, each in a thread.
fn join(client: TcpStream, upstream: SocketAddr, counts: &Arc<Counts>) -> io::Result<()> {
    let server = TcpStream::connect(upstream)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from, to) = (client.try_clone()?, server.try_clone()?);
    let shared = Arc::clone(counts);
    thread::spawn(move || {
        let mut requests = Requests::default();
        carry(from, to, |bytes| {
            shared.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            shared.requests.fetch_add(requests.count(bytes), Ordering::Relaxed);
        });
    });
    let shared = Arc::clone(counts);
    thread::spawn(move || {
        carry(server, client, |bytes| {
            shared.received.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        });
    });
    Ok(())
}

/// Copies until either side ends, and tells the other one.
fn carry(mut from: TcpStream, mut to: TcpStream, mut count: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        // Counted first: who has the answer finds it counted.
        count(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // Either end may be gone already.
    let _ = to.shutdown(Shutdown::Write);
}

/// Finds requests in a stream that comes in pieces.
#[derive(Default)]
struct Requests {
    /// How much of [`REQUEST`] the last bytes were.
    matched: usize,
}

impl Requests {
    fn count(&mut self, bytes: &[u8]) -> u64 {
        let mut found = 0;
        for byte in bytes {
            // The text repeats none of its beginning but the blank.
            self.matched = match self.matched {
                matched if REQUEST[matched] == *byte => matched + 1,
                _ => usize::from(REQUEST[0] == *byte),
            };
            if self.matched == REQUEST.len() {
                (found, self.matched) = (found + 1, 0);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Client, Request};
    use crate::serve::Server;

    #[test]
    fn requests_are_counted_also_where_they_are_cut() {
        let stream = b"GET / HTTP/1.1\r\nhost: a\r\n\r\nPOST /x  HTTP/1.1\r\n";
        for cut in 0..stream.len() {
            let mut requests = Requests::default();
            let (one, two) = stream.split_at(cut);
            assert_eq!(requests.count(one) + requests.count(two), 2, "cut at {cut}");
        }
    }

    #[test]
    fn what_passes_is_counted_in_both_directions() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
        let server = Server::start(|_, mut stream, _| stream.write_all(answer));
        let forwarder = Forwarder::start(server.address);
        let client = Client::new(forwarder.target().parse().expect("an address"));
        let response = client.send(&Request::get("/", &[])).expect("an answer");
        assert_eq!(response.text(), "ok");
        let traffic = forwarder.take();
        assert_eq!((traffic.requests, traffic.received), (1, answer.len() as u64));
        assert!(traffic.sent > 20, "{traffic:?}");
        assert_eq!(forwarder.take(), Traffic::default());
    }
}
