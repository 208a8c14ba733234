//! A small HTTP/1.1 client over plain TCP.
//!
//! Blocking, one request at a time, without redirects, compression or TLS: it
//! shows a test exactly what a server sent, also when that is broken.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a read may take before the test fails.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// What is sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// Path and query, percent-encoded.
    pub target: String,
    /// Further headers; `host` and `content-length` are added.
    pub headers: Vec<(String, String)>,
    /// Body, empty for none.
    pub body: Vec<u8>,
}

impl Request {
    /// A GET of `path` with a query string of `params`.
    #[must_use]
    pub fn get(path: &str, params: &[(&str, &str)]) -> Self {
        let mut target = path.to_owned();
        if !params.is_empty() {
            target.push('?');
            target.push_str(&form(params));
        }
        Self { method: "GET", target, headers: Vec::new(), body: Vec::new() }
    }

    /// A POST of `params` as a form.
    #[must_use]
    pub fn post_form(path: &str, params: &[(&str, &str)]) -> Self {
        Self {
            method: "POST",
            target: path.to_owned(),
            headers: Vec::new(),
            body: form(params).into_bytes(),
        }
        .header("content-type", "application/x-www-form-urlencoded")
    }

    /// A request with a body as it is, perhaps none.
    #[must_use]
    pub fn with_body(method: &'static str, target: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { method, target: target.to_owned(), headers: Vec::new(), body: body.into() }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The request as sent.
    fn bytes(&self, host: SocketAddr) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: {host}\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() {
            head.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body, de-chunked, not decompressed.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of this (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The body as text, broken UTF-8 replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("status {}, body is no JSON ({error}): {}", self.status, self.text())
        })
    }
}

/// A server, by address.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// Where it listens.
    pub address: SocketAddr,
}

impl Client {
    /// A client of the server at `address`.
    #[must_use]
    pub const fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// A GET on a connection of its own.
    ///
    /// # Panics
    /// When no complete answer arrives.
    #[must_use]
    pub fn get(&self, path: &str, params: &[(&str, &str)]) -> Response {
        self.expect(&Request::get(path, params))
    }

    /// A POST of a form on a connection of its own.
    ///
    /// # Panics
    /// When no complete answer arrives.
    #[must_use]
    pub fn post(&self, path: &str, params: &[(&str, &str)]) -> Response {
        self.expect(&Request::post_form(path, params))
    }

    /// Sends a request on a connection of its own.
    ///
    /// # Errors
    /// When the server cannot be reached or sends no complete answer.
    pub fn send(&self, request: &Request) -> io::Result<Response> {
        self.connect()?.send(&request.clone().header("connection", "close"))
    }

    /// Opens a connection for several requests.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub fn connect(&self) -> io::Result<Connection> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(READ_TIMEOUT))?;
        stream.set_write_timeout(Some(READ_TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(Connection { address: self.address, stream: BufReader::new(stream) })
    }

    fn expect(&self, request: &Request) -> Response {
        self.send(request).unwrap_or_else(|error| {
            let start: String = request.target.chars().take(200).collect();
            panic!("{} {start} at {}: {error}", request.method, self.address)
        })
    }
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Sends a request and waits for the whole answer.
    ///
    /// # Errors
    /// When no complete answer arrives.
    pub fn send(&mut self, request: &Request) -> io::Result<Response> {
        // A server may answer and close before it has read everything; its
        // answer counts for more than the failed write.
        let written = self.stream.get_mut().write_all(&request.bytes(self.address));
        match self.read() {
            Ok(response) => Ok(response),
            Err(error) => Err(written.err().unwrap_or(error)),
        }
    }

    fn read(&mut self) -> io::Result<Response> {
        let status_line = self.line()?;
        let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| broken(&format!("status line {status_line:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| broken("header line"))?;
            headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut response = Response { status, headers, body: Vec::new() };
        response.body = self.body(&response)?;
        Ok(response)
    }

    fn body(&mut self, response: &Response) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if response.header("transfer-encoding") == Some("chunked") {
            while let size @ 1.. = self.chunk_size()? {
                self.read_exactly(size, &mut body)?;
                self.line()?;
            }
            self.line()?;
        } else if let Some(length) = response.header("content-length") {
            let length = length.parse().map_err(|_| broken("content-length"))?;
            self.read_exactly(length, &mut body)?;
        } else if !matches!(response.status, 204 | 304) {
            self.stream.read_to_end(&mut body)?;
        }
        Ok(body)
    }

    fn chunk_size(&mut self) -> io::Result<usize> {
        usize::from_str_radix(&self.line()?, 16).map_err(|_| broken("chunk size"))
    }

    fn read_exactly(&mut self, length: usize, body: &mut Vec<u8>) -> io::Result<()> {
        let start = body.len();
        body.resize(start + length, 0);
        self.stream.read_exact(&mut body[start..])
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "connection closed"));
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("unexpected {what}"))
}

/// Parameters as a query string or form.
#[must_use]
pub fn form(params: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        params.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    pairs.join("&")
}

/// Percent-encodes everything but letters, digits and `-._~`.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}
