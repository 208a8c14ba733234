//! A small HTTP server on loopback: requests are read properly, answers are
//! whatever bytes a handler writes to the socket.

use std::io::{self, BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path without the query string.
    pub path: String,
    /// Query string without the question mark.
    pub query: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Received {
    /// A parameter of the query string or of a form in the body.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        let body = String::from_utf8_lossy(&self.body);
        let pairs = self.query.split('&').chain(body.split('&'));
        let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
        pairs.find(|(own, _)| *own == name).map(|(_, value)| unescape(value))
    }
}

/// A listening server; it stops accepting when dropped.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<State>,
}

/// What handlers can look at.
#[derive(Debug, Default)]
pub struct State {
    stopped: AtomicBool,
    requests: AtomicUsize,
}

impl State {
    /// True once the server is dropped: endless answers should end.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

impl Server {
    /// Starts a server that gives each request to `handler`, which writes the
    /// answer; the connection is closed afterwards.
    ///
    /// # Panics
    /// When no port can be had.
    #[must_use]
    pub fn start(
        handler: impl Fn(&Received, TcpStream, &State) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = Arc::new(State::default());
        let (handler, shared) = (Arc::new(handler), Arc::clone(&state));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stopped() {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let (handler, shared) = (Arc::clone(&handler), Arc::clone(&shared));
                thread::spawn(move || {
                    // A client that goes away is no concern of the server.
                    let _ = answer(stream, &*handler, &shared);
                });
            }
        });
        Self { address, state }
    }

    /// Number of requests that have arrived.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.state.requests.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::Relaxed);
        // Wakes the accepting thread; if that fails, it has ended already.
        let _ = TcpStream::connect(self.address);
    }
}

fn answer(
    stream: TcpStream,
    handler: &dyn Fn(&Received, TcpStream, &State) -> io::Result<()>,
    state: &State,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let request = read(&mut BufReader::new(stream.try_clone()?))?;
    state.requests.fetch_add(1, Ordering::Relaxed);
    handler(&request, stream, state)
}

/// Reads one request.
pub(crate) fn read(stream: &mut impl BufRead) -> io::Result<Received> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = Received {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
        if name == "content-length" {
            length = value.parse().map_err(|_| io::ErrorKind::InvalidData)?;
        }
        request.headers.push((name, value));
    }
    stream.take(length).read_to_end(&mut request.body)?;
    Ok(request)
}

/// A form's value as text.
fn unescape(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next(), rest.next()].map(|digit| digit.unwrap_or(b'?'));
                let digits = String::from_utf8_lossy(&digits).into_owned();
                u8::from_str_radix(&digits, 16).unwrap_or(b'?')
            }
            byte => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::form;

    #[test]
    fn parameters_are_read_from_the_address_and_from_a_form() {
        let mut request = Received {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            query: form(&[("a", "1")]),
            headers: Vec::new(),
            body: form(&[("query", "sum(x{a=\"ü b\"}) + 1")]).into_bytes(),
        };
        assert_eq!(request.parameter("query").as_deref(), Some("sum(x{a=\"ü b\"}) + 1"));
        assert_eq!(request.parameter("a").as_deref(), Some("1"));
        assert_eq!(request.parameter("b"), None);
        request.body = b"query=a+b".to_vec();
        assert_eq!(request.parameter("query").as_deref(), Some("a b"));
    }
}
