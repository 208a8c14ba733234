//! One line for every request, as promxy writes them
//! (promxy/pkg/logging/logging.go), so that what reads promxy's logs reads
//! these.

use std::fmt;
use std::io::{self, Write};
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use hyper::{Method, Version};
use serde_json::Value;

use super::logging::Format;

/// Where lines go (`--access-log-destination`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Destination {
    /// Nowhere.
    None,
    /// Standard output, promxy's default.
    #[default]
    Stdout,
    /// Standard error.
    Stderr,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        })
    }
}

/// Not a destination.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown access log destination {0:?}: none, stdout and stderr are allowed")]
pub struct UnknownDestination(String);

impl FromStr for Destination {
    type Err = UnknownDestination;

    fn from_str(text: &str) -> Result<Self, UnknownDestination> {
        match text {
            "none" => Ok(Self::None),
            "stdout" => Ok(Self::Stdout),
            "stderr" => Ok(Self::Stderr),
            other => Err(UnknownDestination(other.to_owned())),
        }
    }
}

/// A request that was answered.
#[derive(Clone, Debug)]
pub struct Record {
    /// The client.
    pub ip: IpAddr,
    /// The method.
    pub method: Method,
    /// The path as it was sent, escapes and all: it cannot break a line.
    pub path: String,
    /// The protocol.
    pub version: Version,
    /// The response's status code; 499 if the client left before it.
    pub status: u16,
    /// Bytes of the response's body that were handed to the connection.
    pub bytes: u64,
}

/// Writes the lines. Requests never wait for it: lines go through a bounded
/// queue to a thread of their own, and are dropped when that is full.
pub struct AccessLog {
    format: Format,
    lines: Option<mpsc::SyncSender<Vec<u8>>>,
}

/// Lines that wait to be written at most.
const QUEUE: usize = 4096;

impl AccessLog {
    /// A log to one of the standard streams.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn new(destination: Destination, format: Format) -> io::Result<Self> {
        match destination {
            Destination::None => Ok(Self { format, lines: None }),
            Destination::Stdout => Self::to_writer(format, io::stdout()),
            Destination::Stderr => Self::to_writer(format, io::stderr()),
        }
    }

    /// A log to any writer.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn to_writer(format: Format, mut writer: impl Write + Send + 'static) -> io::Result<Self> {
        let (sender, receiver) = mpsc::sync_channel::<Vec<u8>>(QUEUE);
        let write_lines = move || {
            for line in receiver {
                // Nobody can be told if the log cannot be written.
                let _ = writer.write_all(&line).and_then(|()| writer.flush());
            }
        };
        std::thread::Builder::new().name("access-log".to_owned()).spawn(write_lines)?;
        Ok(Self { format, lines: Some(sender) })
    }

    /// Writes the line of a request that ended at `now`; `form` is its
    /// parameters, already cut.
    pub fn write(&self, record: &Record, now: SystemTime, elapsed: Duration, form: &str) {
        let Some(lines) = &self.lines else { return };
        let line = match self.format {
            Format::Text => text_line(record, now, elapsed, form),
            Format::Json => json_line(record, now, elapsed, form),
        };
        // A full queue means that whoever reads the log is too slow.
        let _ = lines.try_send(line);
    }
}

/// `IP - - [02/Jan/2006 15:04:05] "METHOD PATH PROTO STATUS BYTES" SECONDS FORM`
fn text_line(record: &Record, now: SystemTime, elapsed: Duration, form: &str) -> Vec<u8> {
    let Record { method, path, version, status, bytes, .. } = record;
    format!(
        "{} - - [{}] \"{method} {path} {version:?} {status} {bytes}\" {:.6} {form}\n",
        shown_ip(record.ip),
        stamp(now).strftime("%d/%b/%Y %H:%M:%S"),
        elapsed.as_secs_f64(),
    )
    .into_bytes()
}

/// promxy's keys in promxy's order; what is empty or zero is left out.
fn json_line(record: &Record, now: SystemTime, elapsed: Duration, form: &str) -> Vec<u8> {
    let fields = [
        ("remoteAddr", Value::from(shown_ip(record.ip))),
        ("time", Value::from(stamp(now).to_string())),
        ("method", Value::from(record.method.as_str())),
        ("path", Value::from(record.path.as_str())),
        ("protocol", Value::from(format!("{:?}", record.version))),
        ("status", Value::from(record.status)),
        ("responseBytes", Value::from(record.bytes)),
        ("duration", Value::from(elapsed.as_secs_f64())),
        ("query", Value::from(form)),
    ];
    let present = fields.iter().filter(|(_, value)| *value != "" && *value != 0);
    let fields: Vec<String> = present.map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}\n", fields.join(",")).into_bytes()
}

/// Go prints the address of a client between brackets if it is IPv6.
fn shown_ip(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// Moments that no calendar shows become 1970.
fn stamp(now: SystemTime) -> jiff::Timestamp {
    jiff::Timestamp::try_from(now).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            ip: "127.0.0.1".parse().expect("an address"),
            method: Method::POST,
            path: "/api/v1/query".to_owned(),
            version: Version::HTTP_11,
            status: 200,
            bytes: 87,
        }
    }

    fn moment() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(1_433_337_718_555)
    }

    #[test]
    fn the_text_line_is_promxys() {
        let line = text_line(&record(), moment(), Duration::from_micros(1234), "query=up&time=1");
        let expected = "127.0.0.1 - - [03/Jun/2015 13:21:58] \"POST /api/v1/query HTTP/1.1 200 87\" 0.001234 query=up&time=1\n";
        assert_eq!(String::from_utf8_lossy(&line), expected);
    }

    #[test]
    fn the_json_line_has_promxys_keys_and_leaves_out_what_is_empty() {
        let line = json_line(&record(), moment(), Duration::from_millis(2), "");
        let expected = concat!(
            r#"{"remoteAddr":"127.0.0.1","time":"2015-06-03T13:21:58.555Z","method":"POST","path":"/api/v1/query","#,
            r#""protocol":"HTTP/1.1","status":200,"responseBytes":87,"duration":0.002}"#,
            "\n"
        );
        assert_eq!(String::from_utf8_lossy(&line), expected);
    }

    #[test]
    fn destinations_are_promxys() {
        assert_eq!("stderr".parse(), Ok(Destination::Stderr));
        let message = "file".parse::<Destination>().expect_err("not a destination").to_string();
        assert_eq!(
            message,
            "unknown access log destination \"file\": none, stdout and stderr are allowed"
        );
    }
}
