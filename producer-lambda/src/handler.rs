//! From a Cognito event to what is announced, and back to the echo.
//!
//! Cognito demands the entire event as the answer. It is taken as raw text and given back as raw text,
//! so no path can change it: not a trigger source nobody knows yet, not a number too large for a float.
//! Must never let an event, however odd, become an error.

use std::fmt;
use std::sync::Arc;

use domain::{Confirmation, Reason, Rejection, Timestamp, envelope, event};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::task::JoinHandle;

use crate::config::{Config, ConfigError, OnEnqueueFailure};
use crate::failure::FailureClass;
use crate::publish::{Message, OPENING, Publisher};
use crate::report;
use crate::trace::TraceContext;

/// What became of one event. Nothing here is a reason to fail a sign-up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "report it: an announcement that failed in silence is a profile that is missing in silence"]
pub enum Announcement {
    /// The queue or the bus has it.
    Enqueued,
    /// The trigger source is not wanted.
    Ignored,
    /// There is no confirmation in the event. The reason names fields, never values.
    Invalid(Rejection),
    /// It could not be announced; the reconcile job will find the user.
    Failed(FailureClass),
}

impl Announcement {
    /// The name of its metric.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Enqueued => "enqueued",
            Self::Ignored => "ignored",
            Self::Invalid(_) => "invalid_event",
            Self::Failed(_) => "enqueue_failed",
        }
    }
}

/// The answer to Cognito under `ON_ENQUEUE_FAILURE=fail`.
///
/// Managed login puts the text into the query of the callback URL, so it says nothing more than this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the confirmation could not be recorded; try again later")]
pub struct NotRecorded;

/// Announces confirmations. Holds the one client; cheap to clone.
#[derive(Clone)]
pub struct Producer {
    shared: Arc<Shared>,
}

struct Shared {
    /// `None` where the configuration is unusable.
    ready: Option<(Config, Publisher)>,
    on_enqueue_failure: OnEnqueueFailure,
    function_name: String,
}

impl Producer {
    /// Makes the client. Opens no connection.
    pub fn new(config: Config) -> Self {
        let publisher = Publisher::new(&config);
        Self {
            shared: Arc::new(Shared {
                on_enqueue_failure: config.on_enqueue_failure,
                function_name: config.function_name.clone(),
                ready: Some((config, publisher)),
            }),
        }
    }

    /// Opens the connection that the first announcement will use. To be called once, while the function
    /// starts; sends nothing, writes nothing, and takes no longer than [`OPENING`](crate::OPENING),
    /// whatever the network does. If there is none by then, the first announcement opens one itself.
    pub async fn connect(&self) {
        let shared = Arc::clone(&self.shared);
        // A task of its own, as for announcing: a panic in a client library must not stop the function.
        let connecting = tokio::spawn(async move {
            if let Some((config, publisher)) = &shared.ready {
                publisher.connect(config).await;
            }
        });
        let _ = tokio::time::timeout(OPENING, connecting).await;
    }

    /// [`Producer::new`] with the configuration of the environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Config::from_env().map(Self::new)
    }

    /// A producer without a usable configuration. Every announcement of it fails with
    /// [`FailureClass::Configuration`]; sign-ups go on, and the alarm tells.
    pub fn misconfigured(error: &ConfigError) -> Self {
        Self {
            shared: Arc::new(Shared {
                ready: None,
                on_enqueue_failure: error.on_enqueue_failure,
                function_name: error.function_name.clone(),
            }),
        }
    }

    /// Announces the confirmation in `event`, within [`DEADLINE`](crate::DEADLINE). Writes no log line.
    ///
    /// `xray_trace_id` is the field of that name of Lambda's context. Needs a tokio runtime with time
    /// and I/O.
    pub async fn announce(&self, event: &Value, xray_trace_id: Option<&str>) -> Announcement {
        let Some((config, publisher)) = &self.shared.ready else {
            return Announcement::Failed(FailureClass::Configuration);
        };
        let Some(observed_at) = now() else {
            return Announcement::Failed(FailureClass::Internal);
        };
        let mut confirmation = match decide(event, observed_at, config) {
            Ok(confirmation) => confirmation,
            Err(settled) => return settled,
        };
        let trace = xray_trace_id.and_then(TraceContext::parse);
        confirmation.traceparent = trace.as_ref().and_then(|trace| trace.traceparent.clone());
        let message = Message { body: envelope::write(&confirmation), trace };
        let publisher = publisher.clone();
        match survive(tokio::spawn(async move { publisher.publish(&message).await })).await {
            Ok(()) => Announcement::Enqueued,
            Err(class) => Announcement::Failed(class),
        }
    }

    /// Writes the metric, and the log line where something is wrong, to stdout.
    pub fn report(&self, announcement: &Announcement) {
        if let Some(now) = now() {
            report::announcement(announcement, &self.shared.function_name, now);
        }
    }

    /// The whole trigger: announces, reports, and gives `event` back, byte for byte.
    ///
    /// # Errors
    /// Only under `ON_ENQUEUE_FAILURE=fail`, when the announcement failed.
    pub async fn handle(
        &self,
        event: Box<RawValue>,
        xray_trace_id: Option<&str>,
    ) -> Result<Box<RawValue>, NotRecorded> {
        let announcement = match serde_json::from_str(event.get()) {
            Ok(value) => self.announce(&value, xray_trace_id).await,
            Err(fault) => unreadable(&fault),
        };
        self.report(&announcement);
        match (announcement, self.shared.on_enqueue_failure) {
            (Announcement::Failed(_), OnEnqueueFailure::Fail) => Err(NotRecorded),
            _ => Ok(event),
        }
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.shared.ready.as_ref().map(|(config, _)| &config.target);
        f.debug_struct("Producer").field("target", &target).finish_non_exhaustive()
    }
}

/// What to announce, or what the event comes to without an announcement.
fn decide(event: &Value, observed_at: Timestamp, config: &Config) -> Result<Confirmation, Announcement> {
    if event::trigger_source(event).is_some_and(|source| !config.trigger_sources.contains(&source)) {
        return Err(Announcement::Ignored);
    }
    let Some(object) = event.as_object() else {
        let rejection = Rejection::new(Reason::NotAConfirmation, "the event is not an object");
        return Err(Announcement::Invalid(rejection));
    };
    event::read(object, observed_at, |name| config.forward_attributes.contains(name))
        .map_err(Announcement::Invalid)
}

/// Text that Lambda holds for JSON and serde_json does not: nested too deep, or half a surrogate pair.
fn unreadable(fault: &serde_json::Error) -> Announcement {
    // serde_json's own message may quote the input; the position cannot.
    let detail = format!("not readable at line {} column {}", fault.line(), fault.column());
    Announcement::Invalid(Rejection::new(Reason::NotJson, detail))
}

/// A panic in a client library is a failed announcement, not a failed sign-up. A task of its own also
/// keeps the SDK's deeply nested future out of the caller's, which would be too deep to compile.
async fn survive(publishing: JoinHandle<Result<(), FailureClass>>) -> Result<(), FailureClass> {
    publishing.await.unwrap_or(Err(FailureClass::Internal))
}

/// `None` while the clock stands before 1970.
fn now() -> Option<Timestamp> {
    Timestamp::from_epoch_ms(jiff::Timestamp::now().as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::TriggerSource;
    use serde_json::json;

    fn config() -> Config {
        Config::queue("https://sqs.eu-central-1.amazonaws.com/111122223333/confirmations", "eu-central-1")
    }

    fn decided(event: &Value, config: &Config) -> Result<Confirmation, Announcement> {
        decide(event, Timestamp::parse("2026-11-22T20:05:38.123Z").unwrap(), config)
    }

    fn sign_up() -> Value {
        json!({
            "userPoolId": "eu-central-1_A1b2C3d4E", "userName": "ana", "region": "eu-central-1",
            "triggerSource": "PostConfirmation_ConfirmSignUp",
            "request": {
                "userAttributes": {
                    "sub": "9c1e6c2a-30f1-70b5-9d0c-5b6c0e0d7a11",
                    "birthdate": "1990-01-01", "custom:tenant": "blue", "locale": "de",
                },
                "clientMetadata": { "custom:tenant": "forged" },
            },
            "response": {},
        })
    }

    #[test]
    fn only_named_attributes_leave_and_never_client_metadata() {
        let mut config = config();
        assert!(decided(&sign_up(), &config).unwrap().attributes.is_empty());
        config.forward_attributes.insert("custom:tenant".into());
        let kept = decided(&sign_up(), &config).unwrap().attributes;
        assert_eq!(kept, [("custom:tenant".to_owned(), "blue".to_owned())].into());
    }

    #[test]
    fn unwanted_and_unknown_trigger_sources_are_ignored_even_without_a_sub() {
        let mut config = config();
        config.trigger_sources = [TriggerSource::ConfirmSignUp].into();
        assert!(decided(&sign_up(), &config).is_ok());
        for source in ["PostConfirmation_ConfirmForgotPassword", "PostConfirmation_New", "PreSignUp_SignUp"] {
            let event = json!({ "triggerSource": source });
            assert_eq!(decided(&event, &config), Err(Announcement::Ignored), "{source}");
        }
    }

    #[test]
    fn whatever_is_no_confirmation_is_invalid() {
        for event in [json!(null), json!([]), json!(1e300), json!({}), json!({"triggerSource": 7})] {
            assert!(matches!(decided(&event, &config()), Err(Announcement::Invalid(_))), "{event}");
        }
        let mut without_sub = sign_up();
        without_sub["request"]["userAttributes"] = json!({});
        assert!(matches!(decided(&without_sub, &config()), Err(Announcement::Invalid(_))));
    }

    #[tokio::test]
    async fn a_panic_is_a_failed_announcement() {
        let outcome = survive(tokio::spawn(async { panic!("a library's defect") })).await;
        assert_eq!(outcome, Err(FailureClass::Internal));
    }
}
