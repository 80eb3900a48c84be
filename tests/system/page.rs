//! The status page over HTTP, of the real worker: what is sent with it, who is answered, and that what its stream
//! tells is what `/status.json` says. How it looks and behaves in a browser is for `tests/page`.

use std::collections::BTreeMap;

use harness::{Person, World, eventually, worker_process::Running, world};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// Listeners at once, as documented.
const MOST_LISTENERS: usize = 32;

struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    /// What comes after the headers.
    rest: BufReader<TcpStream>,
}

impl Answer {
    async fn text(mut self) -> String {
        let mut text = String::new();
        self.rest.read_to_string(&mut text).await.unwrap();
        text
    }

    /// The next event of the stream: its name and its data. (Chunk sizes are lines of their own.)
    async fn event(&mut self) -> (String, Value) {
        let (mut name, mut line) = (String::new(), String::new());
        loop {
            line.clear();
            assert_ne!(self.rest.read_line(&mut line).await.unwrap(), 0, "the stream ended");
            if let Some(event) = line.strip_prefix("event: ") {
                event.trim_end().clone_into(&mut name);
            } else if let Some(data) = line.strip_prefix("data: ") {
                return (name, serde_json::from_str(data).unwrap());
            }
        }
    }
}

/// One request as it stands, on a connection of its own.
async fn ask(address: &str, method: &str, path: &str, host: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut rest = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        rest.read_line(&mut line).await.unwrap();
        if line.trim_end().is_empty() {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let status = lines[0].split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines[1..]
        .iter()
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Answer { status, headers, rest }
}

async fn get(address: &str, path: &str) -> Answer {
    ask(address, "GET", path, address).await
}

async fn watched(world: &World) -> (Running, String) {
    let worker = world.worker().watched().start();
    let url = worker.status_url().await;
    let address = url.trim_start_matches("http://").trim_end_matches("/status.json").to_owned();
    worker.ready().await;
    (worker, address)
}

#[tokio::test]
async fn the_page_and_its_files_are_sent_as_what_they_are_and_bound_to_this_address() {
    let world = world!();
    let (worker, address) = watched(&world).await;
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/page.css", "text/css; charset=utf-8"),
        ("/page.js", "text/javascript; charset=utf-8"),
        ("/chart.js", "text/javascript; charset=utf-8"),
        ("/stream.js", "text/javascript; charset=utf-8"),
        ("/words.js", "text/javascript; charset=utf-8"),
        ("/events", "text/event-stream"),
        ("/status.json", "application/json"),
        ("/nothing", ""),
    ] {
        let answer = get(&address, path).await;
        let header = |name: &str| answer.headers.get(name).map_or("", String::as_str);
        assert_eq!(answer.status, if kind.is_empty() { 404 } else { 200 }, "{path}");
        assert_eq!(header("content-type"), kind, "{path}");
        assert_eq!(header("cache-control"), "no-cache", "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{path}");
        assert_eq!(
            header("content-security-policy"),
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "{path}"
        );
    }
    let page = get(&address, "/").await.text().await;
    assert!(page.contains("<h1 id=\"sentence\">Nothing to do</h1>"), "{page}");
    assert!(page.contains(concat!("value=\"", env!("CARGO_PKG_VERSION"), "\"")), "{page}");
    worker.stop().await.assert_drained();
}

#[tokio::test]
async fn nothing_can_be_changed_and_no_foreign_name_is_answered_to() {
    let world = world!();
    let (worker, address) = watched(&world).await;
    let paths = ["/", "/page.js", "/events", "/status.json", "/health/live", "/health/ready", "/nothing"];
    for path in paths {
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
            let answer = ask(&address, method, path, &address).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.headers["allow"], "GET, HEAD", "{method} {path}");
        }
        for host in ["rebound.example.com", "127.0.0.1.example.com:9464", "localhost.example.com"] {
            let answer = ask(&address, "GET", path, host).await;
            assert_eq!(answer.status, 421, "{path} of {host}");
            assert!(answer.text().await.contains("localhost"));
        }
    }
    for host in ["localhost", "localhost:9464", "[::1]:9464", "10.0.0.7"] {
        assert_eq!(ask(&address, "GET", "/status.json", host).await.status, 200, "{host}");
    }
    assert_eq!(ask(&address, "HEAD", "/", &address).await.status, 200);
    worker.stop().await.assert_drained();
}

#[tokio::test]
async fn elsewhere_than_on_loopback_names_are_the_operators_affair() {
    let world = world!();
    let port = harness::http::free_port();
    let worker = world.worker().with("ADMIN_ADDR", format!("0.0.0.0:{port}")).start();
    worker.ready().await;
    let answer = ask(&format!("127.0.0.1:{port}"), "GET", "/health/live", "worker.internal:9464").await;
    assert_eq!(answer.status, 200);
    worker.stop().await.assert_drained();
}

#[tokio::test]
async fn the_stream_begins_with_the_history_and_tells_what_the_status_says() {
    let world = world!();
    let (worker, address) = watched(&world).await;
    let mut early = get(&address, "/events").await;
    let (name, history) = early.event().await;
    assert_eq!(name, "history");
    let first = history["points"].as_array().unwrap().len();

    let people = Person::crowd(30);
    world.send_all(people.iter().map(Person::body)).await;
    world.has_items(30).await;
    world.drained().await;
    let told = loop {
        let (name, sample) = early.event().await;
        assert_eq!(name, "sample");
        if sample["status"]["created"] == 30 && sample["status"]["in_flight"] == 0 {
            break sample;
        }
    };
    let status = worker.status().await;
    for (field, value) in status.as_object().unwrap() {
        // These go on by themselves.
        let goes_on =
            ["uptime_seconds", "last_receive_seconds_ago", "api_calls", "tasks", "answered_receives"];
        if !goes_on.contains(&field.as_str()) && field != "queue" {
            assert_eq!(&told["status"][field], value, "{field}");
        }
        assert!(
            !told["status"][field].is_null() || value.is_null() || field == "queue",
            "{field} is not told"
        );
    }
    // These people's confirmations are of long ago.
    assert_eq!(told["headline"]["tone"], "late");
    let sentence = told["headline"]["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("Sign-ups become profiles late: "), "{sentence}");

    // Who comes later is told what was before, a point a second, and it does not begin anew.
    let points = eventually("three more seconds are in the history", async || {
        let (_, history) = get(&address, "/events").await.event().await;
        let points = history["points"].as_array().unwrap().clone();
        (points.len() >= first + 3).then_some(points)
    })
    .await;
    let times: Vec<_> = points.iter().map(|point| point["t"].as_u64().unwrap()).collect();
    assert!(times.is_sorted_by(|one, next| one < next), "{times:?}");
    assert!(points.iter().any(|point| point["rate"].as_f64().unwrap() > 0.0), "{points:?}");
    worker.stop().await.assert_drained();
}

#[tokio::test]
async fn the_listeners_are_bounded_and_one_who_leaves_makes_room() {
    let world = world!();
    let (worker, address) = watched(&world).await;
    let mut listening = Vec::new();
    for _ in 0..MOST_LISTENERS {
        let answer = get(&address, "/events").await;
        assert_eq!(answer.status, 200);
        listening.push(answer);
    }
    let refused = get(&address, "/events").await;
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (503, "10"));
    assert!(refused.text().await.contains("close a page"));
    // Everybody else is answered as before.
    assert_eq!(get(&address, "/").await.status, 200);
    assert_eq!(get(&address, "/health/live").await.status, 200);
    listening.pop();
    eventually("there is room for one", async || {
        (get(&address, "/events").await.status == 200).then_some(())
    })
    .await;
    // Listeners are no reason to stay.
    worker.stop().await.assert_drained();
}
