//! The connection is there before anybody signs up, and where it cannot be, nobody notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use producer_lambda::{
    Announcement, Config, Credentials, FailureClass, OPENING, Producer, SharedCredentialsProvider,
};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep, timeout};

use crate::aws::Aws;
use crate::function::{Function, PATIENCE, QUEUE_URL, event};
use crate::runtime_api::Answer;
use crate::tls::Identity;

/// How a service lets connections in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Manner {
    Plain,
    Tls,
    /// The connection is made, and nothing more is said.
    Speechless,
    /// What comes in place of a handshake is none.
    Gibberish,
}

/// The entrance of a service: counts who comes in, and what they carry.
struct Entrance {
    url: String,
    aws: Aws,
    connections: Arc<AtomicUsize>,
    /// Connections that are ready for a request.
    ready: Arc<AtomicUsize>,
    folder: tempfile::TempDir,
}

impl Entrance {
    async fn start(manner: Manner) -> Self {
        let (aws, identity) = (Aws::accepting().await, Identity::new());
        let folder = tempfile::tempdir().unwrap();
        identity.write_authority(&folder.path().join("authority.pem"), "");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if manner == Manner::Plain { "http" } else { "https" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let (connections, ready) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let inside = aws.url.strip_prefix("http://").unwrap().to_owned();
        let (came, got_ready) = (Arc::clone(&connections), Arc::clone(&ready));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                came.fetch_add(1, Ordering::SeqCst);
                let (acceptor, inside, ready) =
                    (identity.acceptor.clone(), inside.clone(), Arc::clone(&got_ready));
                tokio::spawn(async move {
                    let mut service = TcpStream::connect(inside).await.unwrap();
                    match manner {
                        Manner::Speechless => {
                            // Holds the connection until its other end gives up.
                            let _ = stream.read_to_end(&mut Vec::new()).await;
                        }
                        Manner::Gibberish => {
                            let _ = stream.write_all(b"220 mail is somewhere else\r\n").await;
                        }
                        Manner::Plain => {
                            ready.fetch_add(1, Ordering::SeqCst);
                            let _ = tokio::io::copy_bidirectional(&mut stream, &mut service).await;
                        }
                        Manner::Tls => {
                            let Ok(mut stream) = acceptor.accept(stream).await else { return };
                            ready.fetch_add(1, Ordering::SeqCst);
                            let _ = tokio::io::copy_bidirectional(&mut stream, &mut service).await;
                        }
                    }
                });
            }
        });
        Self { url, aws, connections, ready, folder }
    }

    async fn function(&self, target: Target) -> Function {
        let authority = self.folder.path().join("authority.pem");
        let variables = [("SSL_CERT_FILE", authority.to_str().unwrap())];
        match target {
            Target::Queue => Function::with_queue(&self.url, &variables).await,
            Target::Bus => Function::with_bus(&self.url, &variables).await,
        }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Waits until somebody is in, with nobody having signed up.
    async fn somebody_is_in(&self) {
        let waiting = async {
            while self.ready.load(Ordering::SeqCst) == 0 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, waiting).await.expect("no connection was opened");
    }
}

#[derive(Clone, Copy, Debug)]
enum Target {
    Queue,
    Bus,
}

#[tokio::test]
async fn the_first_sign_up_finds_a_connection_and_opens_no_second() {
    for manner in [Manner::Tls, Manner::Plain] {
        for target in [Target::Queue, Target::Bus] {
            let entrance = Entrance::start(manner).await;
            let function = entrance.function(target).await;
            entrance.somebody_is_in().await;
            // Neither an action nor any other request: there is nothing to permit and nothing to pay.
            assert_eq!(entrance.aws.requests().len(), 0, "{manner:?} {target:?}");
            for _ in 0..3 {
                let event = event("self-sign-up");
                assert_eq!(function.invoke(&event).await, Answer::Response(event));
            }
            assert_eq!(entrance.connections(), 1, "{manner:?} {target:?}");
            assert_eq!(entrance.aws.requests().len(), 3, "{manner:?} {target:?}");
            let output = function.stop().await;
            assert_eq!(output.metrics(), ["enqueued"; 3], "{manner:?} {target:?}");
            output.assert_impersonal(&event("self-sign-up"));
        }
    }
}

#[tokio::test]
async fn what_cannot_be_opened_stops_no_start_and_says_nothing() {
    for manner in [Manner::Speechless, Manner::Gibberish] {
        let entrance = Entrance::start(manner).await;
        let function = entrance.function(Target::Queue).await;
        let event = event("self-sign-up");
        assert_eq!(function.invoke(&event).await, Answer::Response(event.clone()), "{manner:?}");
        let output = function.stop().await;
        // What is wrong, the first sign-up tells: once, as before.
        assert_eq!(output.metrics(), ["enqueue_failed"], "{manner:?}");
        assert_eq!(output.lines().len(), 2, "{manner:?}");
        output.assert_impersonal(&event);
    }
}

fn config(url: &str) -> Config {
    let mut config = Config::queue(QUEUE_URL, "eu-central-1");
    config.endpoint_url = Some(url.to_owned());
    config
}

fn producer(url: &str) -> Producer {
    Producer::new(config(url))
}

#[tokio::test(start_paused = true)]
async fn a_start_waits_for_its_connection_so_long_and_no_longer() {
    // Connections are made by the system and nobody ever takes them.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let producer = producer(&format!("https://{}", listener.local_addr().unwrap()));
    let start = Instant::now();
    producer.connect().await;
    assert_eq!(start.elapsed(), OPENING);
    assert!(OPENING <= Duration::from_millis(250));
}

#[tokio::test]
async fn a_connection_that_is_refused_is_not_waited_for() {
    let producer = producer(&Aws::absent().await);
    // Were the end of an attempt not noticed, this would last as long as the paused clock's test says.
    tokio::time::pause();
    let start = Instant::now();
    producer.connect().await;
    assert!(start.elapsed() < OPENING);
}

#[tokio::test]
async fn a_producer_in_a_handler_of_ones_own_may_open_it_too_or_not() {
    let event: Value = serde_json::from_str(&event("self-sign-up")).unwrap();
    for opens in [true, false] {
        let entrance = Entrance::start(Manner::Plain).await;
        let producer = producer(&entrance.url);
        if opens {
            producer.connect().await;
            entrance.somebody_is_in().await;
        }
        // The library has no credentials in a test's environment, and so announces nothing; with or
        // without a connection it says the same.
        let said = producer.announce(&event, None).await;
        assert_eq!(said, Announcement::Failed(FailureClass::Credentials));
        assert_eq!(entrance.connections(), usize::from(opens));
    }
}

#[test]
fn a_producer_outlives_the_runtime_that_used_it_first() {
    let services = Runtime::new().unwrap();
    let entrance = services.block_on(Entrance::start(Manner::Plain));
    let mut config = config(&entrance.url);
    config.credentials =
        SharedCredentialsProvider::new(Credentials::new("AKID", "secret", None, None, "test"));
    let producer = Producer::new(config);
    let event: Value = serde_json::from_str(&event("self-sign-up")).unwrap();
    for _ in 0..2 {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(producer.connect());
        assert_eq!(runtime.block_on(producer.announce(&event, None)), Announcement::Enqueued);
    }
    assert_eq!(entrance.connections(), 2);
}
