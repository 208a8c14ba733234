//! Replicas that refuse, hang, cut, garble or lie.
//!
//! Each has one fault, shown on every request (or only on remote read, with a
//! healthy server behind the rest).

mod answers;

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};

use crate::http::{Client, Request};
use crate::serve::{Received, Server, State};

/// How often a hanging or dripping answer looks whether it is still wanted.
const TICK: Duration = Duration::from_millis(100);

/// What is wrong with a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The port is closed.
    Refuse,
    /// The connection is accepted and nothing ever comes.
    Hang,
    /// The connection is closed without an answer.
    Close,
    /// The connection is reset in the middle of the body.
    Reset,
    /// Status 500 with Prometheus's error envelope.
    ErrorEnvelope,
    /// Status 500 with a line of text.
    ErrorText,
    /// Status 502 with a page, as gateways answer.
    BadGateway,
    /// Status 200 with an error envelope.
    ErrorWithSuccessStatus,
    /// The body ends before its announced length.
    CutLength,
    /// The last chunk never comes.
    CutChunked,
    /// What comes is not HTTP.
    NotHttp,
    /// Status 200, random bytes.
    Garbage,
    /// Status 200, an empty body.
    Empty,
    /// Status 200, a login page.
    Html,
    /// A result of a type that no query has.
    WrongResultType,
    /// A result nested a hundred thousand levels deep.
    DeepNesting,
    /// The true samples, one of them twice.
    DuplicateSamples,
    /// The true samples, out of order.
    UnsortedSamples,
    /// A result without end.
    Endless,
    /// A correct beginning, then a byte now and then.
    Drip,
    /// Remote read answers with a content type of its own.
    ReadContentType,
    /// Remote read sends a chunk in an encoding from the future.
    ReadUnknownEncoding,
    /// Remote read sends a frame whose checksum is wrong.
    ReadChecksum,
    /// Remote read announces a frame of 2^62 bytes.
    ReadHugeFrame,
    /// There is no remote read.
    ReadMissing,
    /// Status 400: the query's text is not understood.
    RejectText,
    /// A result of native histograms, whatever was asked.
    Histograms,
    /// Numbers that are a little higher than the true ones, as of a server
    /// that counts differently. Only with a server behind it.
    OtherNumbers,
}

/// Faults of the JSON API or of the connection itself.
pub const GENERAL: [Fault; 18] = [
    Fault::Refuse,
    Fault::Hang,
    Fault::Close,
    Fault::Reset,
    Fault::ErrorEnvelope,
    Fault::ErrorText,
    Fault::BadGateway,
    Fault::ErrorWithSuccessStatus,
    Fault::CutLength,
    Fault::CutChunked,
    Fault::NotHttp,
    Fault::Garbage,
    Fault::Empty,
    Fault::Html,
    Fault::WrongResultType,
    Fault::DeepNesting,
    Fault::Endless,
    Fault::Drip,
];

/// Faults that cost no data: what is sent is true.
pub const DISORDER: [Fault; 2] = [Fault::DuplicateSamples, Fault::UnsortedSamples];

/// Faults that only remote read can have.
pub const READ: [Fault; 5] = [
    Fault::ReadContentType,
    Fault::ReadUnknownEncoding,
    Fault::ReadChecksum,
    Fault::ReadHugeFrame,
    Fault::ReadMissing,
];

/// Faults that a server may have with what it is asked to compute, or to
/// list, while all else about it is well.
pub const SELECTIVE: [Fault; 12] = [
    Fault::RejectText,
    Fault::Histograms,
    Fault::Hang,
    Fault::Close,
    Fault::ErrorEnvelope,
    Fault::BadGateway,
    Fault::CutLength,
    Fault::Garbage,
    Fault::Empty,
    Fault::Html,
    Fault::WrongResultType,
    Fault::DeepNesting,
];

/// A running faulty server.
#[derive(Debug)]
pub struct FaultyServer {
    address: SocketAddr,
    server: Option<Server>,
    /// Bound and not listening: nobody else gets the port, nobody can connect.
    _closed: Option<OwnedFd>,
}

impl FaultyServer {
    /// Starts a server that shows `fault` on every request.
    #[must_use]
    pub fn start(fault: Fault) -> Self {
        if fault == Fault::Refuse {
            return Self::refusing();
        }
        Self::serving(Server::start(move |request, stream, state| {
            show(fault, request, stream, state)
        }))
    }

    /// Starts a server that shows `fault` on remote read and otherwise answers
    /// as `upstream` does.
    #[must_use]
    pub fn in_front_of(fault: Fault, upstream: Client) -> Self {
        Self::when(|request| request.path.ends_with("/read"), fault, upstream)
    }

    /// Starts a server that shows `fault` on the requests that `affected`
    /// chooses and otherwise answers as `upstream` does.
    #[must_use]
    pub fn when(
        affected: impl Fn(&Received) -> bool + Send + Sync + 'static,
        fault: Fault,
        upstream: Client,
    ) -> Self {
        Self::serving(Server::start(move |request, stream, state| match fault {
            _ if !affected(request) => forward(request, stream, upstream, |body| body),
            Fault::OtherNumbers => {
                forward(request, stream, upstream, |body| answers::other_numbers(&body))
            }
            _ => show(fault, request, stream, state),
        }))
    }

    /// Its address as `host:port`.
    #[must_use]
    pub fn target(&self) -> String {
        self.address.to_string()
    }

    /// Number of requests that have arrived.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.server.as_ref().map_or(0, Server::requests)
    }

    fn serving(server: Server) -> Self {
        Self { address: server.address, server: Some(server), _closed: None }
    }

    fn refusing() -> Self {
        let closed = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        bind(&closed, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = getsockname(&closed).expect("a bound socket has an address");
        let address = SocketAddr::try_from(address).expect("an internet address");
        Self { address, server: None, _closed: Some(closed) }
    }
}

fn show(fault: Fault, request: &Received, stream: TcpStream, state: &State) -> io::Result<()> {
    match fault {
        Fault::Refuse | Fault::Close => Ok(()),
        Fault::Hang => hold(stream, state),
        Fault::NotHttp => send(stream, b"SSH-2.0-OpenSSH_9.2\r\n"),
        Fault::Reset => reset(stream),
        Fault::CutLength => send(stream, &answers::cut_length()),
        Fault::CutChunked => send(stream, &answers::cut_chunked()),
        Fault::Endless => endless(stream, state),
        Fault::Drip => drip(stream, state),
        _ => send(stream, &answers::whole(fault, request)),
    }
}

fn send(mut stream: TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)
}

/// Keeps the connection open until the client or the test ends.
fn hold(mut stream: TcpStream, state: &State) -> io::Result<()> {
    stream.set_read_timeout(Some(TICK))?;
    let mut byte = [0];
    while !state.stopped() {
        match stream.read(&mut byte) {
            Ok(0) => return Ok(()),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn reset(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(&answers::cut_length())?;
    // With linger 0 closing sends RST in place of FIN.
    rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
    Ok(())
}

fn endless(mut stream: TcpStream, state: &State) -> io::Result<()> {
    stream.write_all(answers::ENDLESS_HEAD)?;
    let block = answers::samples_from(answers::TIME_S, 5_000);
    while !state.stopped() {
        stream.write_all(block.as_bytes())?;
    }
    Ok(())
}

fn drip(mut stream: TcpStream, state: &State) -> io::Result<()> {
    stream.write_all(answers::ENDLESS_HEAD)?;
    stream.set_read_timeout(Some(TICK))?;
    while !state.stopped() {
        stream.write_all(b" ")?;
        if let Ok(0) = stream.read(&mut [0]) {
            return Ok(());
        }
    }
    Ok(())
}

fn forward(
    request: &Received,
    stream: TcpStream,
    upstream: Client,
    change: impl Fn(Vec<u8>) -> Vec<u8>,
) -> io::Result<()> {
    let method = if request.method == "POST" { "POST" } else { "GET" };
    let query = if request.query.is_empty() { "" } else { "?" };
    let mut onward = Request {
        method,
        target: format!("{}{query}{}", request.path, request.query),
        headers: Vec::new(),
        body: request.body.clone(),
    };
    for (name, value) in &request.headers {
        if name.starts_with("content-type") || name == "content-encoding" {
            onward = onward.header(name, value);
        }
    }
    let response = upstream.send(&onward)?;
    let kind = response.header("content-type").unwrap_or("application/json");
    send(stream, &answers::complete(response.status, kind, &change(response.body.clone())))
}
