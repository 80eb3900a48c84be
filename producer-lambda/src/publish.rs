//! Sends one message, to SQS or to EventBridge, under one deadline.
//!
//! Cognito gives the trigger five seconds, then calls it again, three times in all. So whatever the
//! network does, publishing must never take longer than [`DEADLINE`].

use std::future::Future;
use std::time::Duration;

use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::config::{BehaviorVersion, IdentityCache, IntoShared as _, Region};
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
};

use crate::config::{Config, Target};
use crate::connection::Connections;
use crate::failure::FailureClass;
use crate::trace::TraceContext;

/// The longest a publish takes, whatever happens.
pub const DEADLINE: Duration = Duration::from_millis(2_500);
/// The longest one attempt takes.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);
/// The longest an attempt waits for a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// The longest the function's start waits for its connection. In a region a connection takes some
/// milliseconds; where there is no way to the service, each start is so much later and nothing else.
pub const OPENING: Duration = Duration::from_millis(250);
/// Attempts at most.
pub const ATTEMPTS: u32 = 2;
/// The `MessageGroupId` of live confirmations. Backfills carry another, so that SQS's fair queues let
/// sign-ups overtake them.
pub const LIVE_GROUP: &str = "live";

/// Between two attempts: long enough for a throttle to pass, short beside the deadline.
const PAUSE: Duration = Duration::from_millis(100);

const EVENT_SOURCE: &str = "profile.confirmations";
const EVENT_DETAIL_TYPE: &str = "UserConfirmed";

/// One message and where it stands in a trace.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) body: String,
    pub(crate) trace: Option<TraceContext>,
}

/// A client, made once, and what it sends to. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Publisher {
    service: Service,
    /// `None` if there can be no HTTP client; every attempt then fails.
    connections: Option<Connections>,
}

#[derive(Debug, Clone)]
enum Service {
    Queue { client: aws_sdk_sqs::Client, url: String, group: Option<&'static str> },
    EventBus { client: aws_sdk_eventbridge::Client, name: String },
}

impl Publisher {
    /// Makes the client. Opens no connection.
    pub(crate) fn new(config: &Config) -> Self {
        let region = Region::new(config.region.clone());
        let connections = Connections::new();
        let http_client = connections.as_ref().map(|connections| connections.client.clone().into_shared());
        let service = match &config.target {
            Target::Queue { url } => {
                let mut builder = aws_sdk_sqs::Config::builder()
                    .behavior_version(BehaviorVersion::v2026_01_12())
                    .region(region)
                    .credentials_provider(config.credentials.clone())
                    .identity_cache(IdentityCache::no_cache())
                    .timeout_config(timeouts())
                    .retry_config(RetryConfig::disabled());
                builder.set_http_client(http_client);
                builder.set_endpoint_url(config.endpoint_url.clone());
                Service::Queue {
                    client: aws_sdk_sqs::Client::from_conf(builder.build()),
                    url: url.clone(),
                    group: config.fair_groups.then_some(LIVE_GROUP),
                }
            }
            Target::EventBus { name } => {
                let mut builder = aws_sdk_eventbridge::Config::builder()
                    .behavior_version(BehaviorVersion::v2026_01_12())
                    .region(region)
                    .credentials_provider(config.credentials.clone())
                    .identity_cache(IdentityCache::no_cache())
                    .timeout_config(timeouts())
                    .retry_config(RetryConfig::disabled());
                builder.set_http_client(http_client);
                builder.set_endpoint_url(config.endpoint_url.clone());
                Service::EventBus {
                    client: aws_sdk_eventbridge::Client::from_conf(builder.build()),
                    name: name.clone(),
                }
            }
        };
        Self { service, connections }
    }

    /// Opens the connection that the first attempt will use. Sends nothing.
    pub(crate) async fn connect(&self, config: &Config) {
        let Some(connections) = &self.connections else { return };
        if let Some(endpoint) = endpoint(config).await {
            connections.open(&endpoint, timeouts()).await;
        }
    }

    /// Sends `message`, twice at most, within [`DEADLINE`].
    pub(crate) async fn publish(&self, message: &Message) -> Result<(), FailureClass> {
        within_deadline(async {
            // The one owner of retries. The SDK's own are off: it cannot see an entry that failed
            // inside a 200, and it does not know the deadline.
            let mut attempt = 1;
            loop {
                match self.attempt(message).await {
                    Err(class) if class.may_pass() && attempt < ATTEMPTS => attempt += 1,
                    settled => return settled,
                }
                tokio::time::sleep(PAUSE).await;
            }
        })
        .await
    }

    async fn attempt(&self, message: &Message) -> Result<(), FailureClass> {
        let trace = message.trace.as_ref();
        let traceparent = trace.and_then(|trace| trace.traceparent.as_deref());
        let header = trace.map(|trace| trace.header.as_str());
        match &self.service {
            Service::Queue { client, url, group } => {
                let mut request = client
                    .send_message()
                    .queue_url(url)
                    .message_body(&message.body)
                    .set_message_group_id(group.map(str::to_owned));
                if let Some(attribute) = traceparent.and_then(string_attribute) {
                    request = request.message_attributes("traceparent", attribute);
                }
                if let Some(attribute) = header.and_then(system_attribute) {
                    let name = MessageSystemAttributeNameForSends::AwsTraceHeader;
                    request = request.message_system_attributes(name, attribute);
                }
                let answer = request.send().await.map_err(|error| FailureClass::of(&error))?;
                // What has no id is in no queue: something else answered in the service's place.
                answer.message_id().map(drop).ok_or(FailureClass::Service)
            }
            Service::EventBus { client, name } => {
                let entry = PutEventsRequestEntry::builder()
                    .event_bus_name(name)
                    .source(EVENT_SOURCE)
                    .detail_type(EVENT_DETAIL_TYPE)
                    .detail(&message.body)
                    .set_trace_header(header.map(str::to_owned))
                    .build();
                let answer = client
                    .put_events()
                    .entries(entry)
                    .send()
                    .await
                    .map_err(|error| FailureClass::of(&error))?;
                // PutEvents answers 200 for a batch in which every entry failed.
                let refusal = answer.entries().iter().find_map(|entry| entry.error_code());
                let taken = answer.entries().iter().any(|entry| entry.event_id().is_some());
                match refusal {
                    None if answer.failed_entry_count() == 0 && taken => Ok(()),
                    None => Err(FailureClass::Service),
                    Some(code) => Err(FailureClass::of_code(code).unwrap_or(FailureClass::Refused)),
                }
            }
        }
    }
}

/// The last word on time: the SDK's timeouts cover attempts, this covers name look-ups, pauses and
/// whatever else may come.
async fn within_deadline(work: impl Future<Output = Result<(), FailureClass>>) -> Result<(), FailureClass> {
    tokio::time::timeout(DEADLINE, work).await.unwrap_or(Err(FailureClass::Timeout))
}

/// Where the SDK's own rules lead: each partition of AWS has names of its own.
async fn endpoint(config: &Config) -> Option<String> {
    let endpoint = match &config.target {
        Target::Queue { .. } => {
            use aws_sdk_sqs::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
            let params = Params::builder().region(&config.region).set_endpoint(config.endpoint_url.clone());
            DefaultResolver::new().resolve_endpoint(&params.build().ok()?).await
        }
        Target::EventBus { .. } => {
            use aws_sdk_eventbridge::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
            let params = Params::builder().region(&config.region).set_endpoint(config.endpoint_url.clone());
            DefaultResolver::new().resolve_endpoint(&params.build().ok()?).await
        }
    };
    endpoint.ok().map(|endpoint| endpoint.url().to_owned())
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build()
}

// Both builders fail only without a data type.
fn string_attribute(value: &str) -> Option<MessageAttributeValue> {
    MessageAttributeValue::builder().data_type("String").string_value(value).build().ok()
}

fn system_attribute(value: &str) -> Option<MessageSystemAttributeValue> {
    MessageSystemAttributeValue::builder().data_type("String").string_value(value).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn the_deadline_wins_over_work_that_never_ends() {
        let start = Instant::now();
        let outcome = within_deadline(std::future::pending()).await;
        assert_eq!(outcome, Err(FailureClass::Timeout));
        assert_eq!(start.elapsed(), Duration::from_millis(2_500));
    }

    #[test]
    fn both_attempts_fit_into_the_deadline() {
        assert!(ATTEMPT_TIMEOUT * ATTEMPTS + PAUSE * (ATTEMPTS - 1) < DEADLINE);
        assert!(CONNECT_TIMEOUT < ATTEMPT_TIMEOUT);
    }

    #[tokio::test]
    async fn the_connection_leads_to_where_the_sdk_sends() {
        let queue = "https://sqs.eu-central-1.amazonaws.com/111122223333/confirmations";
        for (config, expected) in [
            (Config::queue(queue, "eu-central-1"), "https://sqs.eu-central-1.amazonaws.com"),
            (Config::queue(queue, "cn-north-1"), "https://sqs.cn-north-1.amazonaws.com.cn"),
            (Config::event_bus("bus", "eu-central-1"), "https://events.eu-central-1.amazonaws.com"),
        ] {
            assert_eq!(endpoint(&config).await.as_deref(), Some(expected));
        }
        let mut config = Config::queue(queue, "eu-central-1");
        config.endpoint_url = Some("https://vpce-1.sqs.eu-central-1.vpce.amazonaws.com".into());
        assert_eq!(endpoint(&config).await, config.endpoint_url);
    }
}
