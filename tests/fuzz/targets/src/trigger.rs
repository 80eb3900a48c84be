//! The whole trigger: an event and a trace header go in, and what comes out is looked at where it arrives,
//! at the end of an HTTP connection. An input is the event, and on a last line of its own the header that
//! Lambda's runtime gives with it.

use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use domain::{TriggerSource, event};
use producer_lambda::{Announcement, Config, Credentials, Producer, SharedCredentialsProvider};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::event::{FORWARDED, assert_announces};
use crate::oracles;

/// As the Lambda runtime API spells it.
const HEADER: &str = "\nLambda-Runtime-Trace-Id: ";

/// What came over the wire.
type Requests = Arc<Mutex<Vec<Value>>>;

struct Stage {
    runtime: Runtime,
    producer: Producer,
    requests: Requests,
}

/// Made once: a client keeps its connection.
static STAGE: LazyLock<Stage> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let requests = Requests::default();
    let (producer, recorded) = (runtime.block_on(listen(requests.clone())), requests);
    Stage { runtime, producer, requests: recorded }
});

/// The answer is the event, byte for byte. What is sent is the contract's message of a confirmation that is
/// wanted, once, in text that SQS takes, with a trace that is one.
pub fn judge(input: &[u8]) {
    let Some(text) = crate::text(input) else { return };
    let (given, trace) =
        text.rsplit_once(HEADER).map_or((text, None), |(event, header)| (event, Some(header)));
    // Lambda's runtime hands over JSON and nothing else.
    let Ok(raw) = serde_json::from_str::<Box<RawValue>>(given) else { return };
    let stage = &*STAGE;
    let bytes = raw.get().to_owned();
    let answer = stage.runtime.block_on(stage.producer.handle(raw, trace)).unwrap();
    assert_eq!(answer.get(), bytes, "Cognito gets another event back");

    let sent = std::mem::take(&mut *stage.requests.lock().unwrap());
    match (wanted(&bytes), &sent[..]) {
        (Some(event), [request]) => assert_contracts(request, &event, trace),
        (Some(event), []) => {
            // Not announced: it has to be said why, without saying who.
            let event = Value::Object(event);
            let refused = |event: &Value| match stage.runtime.block_on(stage.producer.announce(event, trace))
            {
                Announcement::Invalid(rejection) => Some(rejection),
                _ => None,
            };
            let rejection = refused(&event).expect("a wanted event is neither announced nor refused");
            oracles::assert_names_nobody(&bytes, &rejection, |other| {
                refused(&serde_json::from_str(other).ok()?)
            });
            assert!(event::read(event.as_object().unwrap(), now(), |_| false).is_err());
            stage.requests.lock().unwrap().clear();
        }
        (None, []) => {}
        (_, sent) => panic!("sent {} times", sent.len()),
    }
}

/// The event, unless it is one that the trigger has nothing to do with.
fn wanted(text: &str) -> Option<Map<String, Value>> {
    let Ok(Value::Object(event)) = serde_json::from_str(text) else { return None };
    let source = event.get("triggerSource").and_then(Value::as_str).map(TriggerSource::parse);
    (source != Some(TriggerSource::Other)).then_some(event)
}

fn now() -> domain::Timestamp {
    domain::Timestamp::from_epoch_ms(0).unwrap()
}

fn assert_contracts(request: &Value, event: &Map<String, Value>, trace: Option<&str>) {
    let body = request["MessageBody"].as_str().unwrap();
    assert!(oracles::is_sqs_text(body), "SQS refuses {body:?}");
    assert_announces(body, event);
    assert_eq!(request["MessageGroupId"], "live");

    let attribute = request["MessageAttributes"]["traceparent"]["StringValue"].as_str();
    let message: Value = serde_json::from_str(body).unwrap();
    assert_eq!(message.get("traceparent").and_then(Value::as_str), attribute, "two traces in one message");
    assert!(attribute.is_none_or(oracles::is_traceparent), "{attribute:?}");
    if let Some(header) = request["MessageSystemAttributes"]["AWSTraceHeader"]["StringValue"].as_str() {
        assert_eq!(Some(header), trace);
        assert!(oracles::is_sqs_text(header) && header.len() <= 500, "{header:?}");
    } else {
        assert_eq!(attribute, None, "a trace without its header");
    }
}

async fn listen(requests: Requests) -> Producer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config =
        Config::queue("https://sqs.eu-central-1.amazonaws.com/111122223333/confirmations", "eu-central-1");
    config.endpoint_url = Some(format!("http://{}", listener.local_addr().unwrap()));
    config.credentials =
        SharedCredentialsProvider::new(Credentials::new("AKIDEXAMPLE", "example", None, None, "example"));
    config.forward_attributes = FORWARDED.map(str::to_owned).into();
    let routes = Router::new().fallback(accept).with_state(requests);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Producer::new(config)
}

async fn accept(State(requests): State<Requests>, body: Bytes) -> String {
    requests.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
    json!({ "MessageId": "11710aed-b79e-4468-a20b-bb3c0c3b4860", "MD5OfMessageBody": "unchecked" })
        .to_string()
}
