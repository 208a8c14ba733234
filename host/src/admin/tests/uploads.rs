//! Uploads that are cut, stalled, squeezed, too large or too many.

use hyper::header::{CONTENT_ENCODING, HOST};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a connection")
    }

    /// Sends bytes, ends sending if `then_end`, and reads all there is.
    async fn exchange(&self, text: &str, then_end: bool) -> String {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.expect("sent");
        if then_end {
            stream.shutdown().await.expect("ended");
        }
        let mut got = Vec::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut got)).await;
        read.expect("in time").expect("an end, not a reset");
        String::from_utf8_lossy(&got).into_owned()
    }

    fn aborted(&self) -> bool {
        let page = self.metrics.render();
        page.lines().any(|line| {
            line.starts_with("promweave_admin_actions_total{action=\"upload\"")
                && !line.contains("success")
        })
    }

    /// Waits until an upload has ended without success.
    async fn until_told(&self) {
        let told = async {
            while !self.aborted() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, told).await.expect("the audit log tells");
    }
}

const PUT: &str = "PUT /api/v1/policies/median HTTP/1.1\r\nhost: localhost\r\n";

#[tokio::test]
async fn an_upload_in_chunks_is_one_upload() {
    let admin = Running::start().await;
    let text = format!(
        "{PUT}connection: close\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n4\r\n two\r\n0\r\n\r\n"
    );
    let got = admin.exchange(&text, false).await;
    assert!(got.starts_with("HTTP/1.1 201 "), "{got}");
    assert_eq!(admin.ask("GET", "/api/v1/policies/median/latest", "").await.body, "one two");
}

#[tokio::test]
async fn who_waits_to_be_told_to_send_learns_first_what_speaks_against_it() {
    let admin = Running::start().await;
    admin.ask("PUT", "/api/v1/policies/median", "one").await;
    let cases = [
        ("content-length: 1048577\r\n", "HTTP/1.1 413 "),
        ("content-length: 5\r\ncontent-encoding: gzip\r\n", "HTTP/1.1 415 "),
        ("content-length: 5\r\nif-none-match: *\r\n", "HTTP/1.1 412 "),
        ("content-length: 5\r\norigin: http://evil.example\r\n", "HTTP/1.1 403 "),
    ];
    for (headers, expected) in cases {
        let got =
            admin.exchange(&format!("{PUT}expect: 100-continue\r\n{headers}\r\n"), false).await;
        assert!(got.starts_with(expected), "{headers}: {got}");
        assert!(got.contains("connection: close\r\n"), "{got}");
    }
    let good =
        format!("{PUT}expect: 100-continue\r\nconnection: close\r\ncontent-length: 3\r\n\r\ntwo");
    let got = admin.exchange(&good, false).await;
    assert!(got.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 "), "{got}");
}

#[tokio::test]
async fn an_upload_that_is_cut_changes_nothing() {
    let admin = Running::start().await;
    for head in ["content-length: 10\r\n\r\n12345", "transfer-encoding: chunked\r\n\r\na\r\n12345"]
    {
        admin.exchange(&format!("{PUT}{head}"), true).await;
    }
    admin.until_told().await;
    let mut stream = admin.connect().await;
    stream
        .write_all(format!("{PUT}content-length: 10\r\n\r\n12345").as_bytes())
        .await
        .expect("sent");
    drop(stream);
    assert!(admin.fake.is_untouched());
}

#[tokio::test]
async fn an_upload_that_stalls_is_given_up() {
    let admin = Running::start().await;
    let got = admin.exchange(&format!("{PUT}content-length: 10\r\n\r\n12345"), false).await;
    assert!(got.starts_with("HTTP/1.1 408 "), "{got}");
    assert!(admin.fake.is_untouched());
}

#[tokio::test]
async fn what_is_too_large_is_refused_with_or_without_a_length() {
    let admin = Running::start().await;
    let large = vec![b'a'; (1 << 20) + 1];
    let got = admin.ask("PUT", "/api/v1/policies/median", large).await;
    assert_eq!(got.error(), error(413, "bad_data", "request body exceeds 1048576 bytes"));
    let chunk = format!("10000\r\n{}\r\n", "a".repeat(1 << 16)).repeat(17);
    let text = format!("{PUT}transfer-encoding: chunked\r\n\r\n{chunk}0\r\n\r\n");
    let got = admin.exchange(&text, false).await;
    assert!(got.starts_with("HTTP/1.1 413 "), "{}", &got[..got.len().min(200)]);
    assert!(admin.fake.is_untouched());
    let fits = vec![b'a'; 1 << 20];
    assert_eq!(admin.ask("PUT", "/api/v1/policies/median", fits).await.status, 201);
}

#[tokio::test]
async fn nothing_is_decompressed_and_no_form_is_taken() {
    let admin = Running::start().await;
    for coding in ["gzip", "deflate", "br", "zstd", "identity, gzip"] {
        let header = [(CONTENT_ENCODING, coding)];
        let got = admin.ask_with("PUT", "/api/v1/policies/median", &header, "one").await;
        assert_eq!(got.status, 415, "{coding}");
        assert!(got.error().2.contains("uncompressed"), "{:?}", got.error());
    }
    for form in ["multipart/form-data; boundary=a", "application/x-www-form-urlencoded"] {
        let header = [(CONTENT_TYPE, form)];
        let got = admin.ask_with("PUT", "/api/v1/policies/median", &header, "one").await;
        assert_eq!(got.status, 415, "{form}");
        assert!(got.error().2.contains("curl -T FILE"), "{:?}", got.error());
    }
    assert!(admin.fake.is_untouched());
    let header = [(CONTENT_ENCODING, "identity")];
    assert_eq!(admin.ask_with("PUT", "/api/v1/policies/median", &header, "one").await.status, 201);
}

#[tokio::test]
async fn two_uploads_are_under_way_four_wait_and_others_are_sent_away() {
    let admin = Arc::new(Running::start().await);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..12 {
        let admin = Arc::clone(&admin);
        tasks.spawn(async move {
            admin.ask("PUT", &format!("/api/v1/policies/p{number}"), "wait").await
        });
    }
    let mut away = 0;
    while away < 6 {
        let got = tasks.join_next().await.expect("a task").expect("no panic");
        assert_eq!((got.status, got.error().1.as_str()), (503, "unavailable"));
        assert_eq!(got.headers[RETRY_AFTER], RETRY_SECONDS);
        away += 1;
    }
    admin.fake.open_gate();
    while let Some(got) = tasks.join_next().await {
        assert_eq!(got.expect("no panic").status, 201);
    }
}

#[tokio::test]
async fn a_client_that_leaves_does_not_stop_what_has_begun() {
    let admin = Running::start().await;
    let mut stream = admin.connect().await;
    stream.write_all(format!("{PUT}content-length: 4\r\n\r\nwait").as_bytes()).await.expect("sent");
    // Its upload is whole once a second one finds a place beside it and ends.
    assert_eq!(admin.ask("PUT", "/api/v1/policies/other", "one").await.status, 201);
    drop(stream);
    admin.fake.open_gate();
    let stored = async {
        while admin.fake.versions("median") == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, stored).await.expect("it is stored");
}

#[tokio::test]
async fn a_thousand_uploads_are_a_thousand_versions() {
    let admin = Running::start().await;
    for number in 0..1000 {
        let got = admin.ask("PUT", "/api/v1/policies/median", number.to_string()).await;
        assert_eq!(got.status, 201);
    }
    assert_eq!(admin.fake.versions("median"), 1000);
    let host = [(HOST, "localhost")];
    assert_eq!(admin.ask_with("GET", "/api/v1/policies/median", &host, "").await.status, 200);
}
