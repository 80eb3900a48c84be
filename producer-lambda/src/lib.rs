//! Announces confirmed Cognito users to a queue, from the PostConfirmation trigger.
//!
//! A sign-up waits for this code, so it does one thing: send one message, within a deadline, and hand
//! the event back. It must never fail a sign-up of its own accord, change the event, or send a field
//! the contract does not name.
//!
//! The binary `producer-lambda` is the bootstrap of a Lambda function that does nothing else. Who has
//! a PostConfirmation handler in Rust already calls the library from it (Cognito allows one function
//! per trigger):
//!
//! ```no_run
//! use lambda_runtime::{Error, LambdaEvent, service_fn};
//! use producer_lambda::Producer;
//! use serde_json::Value;
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Error> {
//!     // QUEUE_URL and the other variables of the README, read once, before the first event.
//!     let producer = Producer::from_env()?;
//!     producer.connect().await; // if you like: the first announcement then finds its connection
//!     lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async {
//!         let (event, context) = event.into_parts();
//!         // … what the handler does already …
//!         let announcement = producer.announce(&event, context.xray_trace_id.as_deref()).await;
//!         producer.report(&announcement); // the metric that the alarm watches
//!         Ok::<_, Error>(event)
//!     }))
//!     .await
//! }
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | `config.rs` | the environment, parsed once; every problem told at once |
//! | `handler.rs` | from an event to what is announced, and back to the echo |
//! | `connection.rs` | the connection, opened while the function starts |
//! | `publish.rs` | SQS or EventBridge, under one deadline |
//! | `failure.rs` | why a publish failed, as one of a closed list |
//! | `trace.rs` | X-Ray's header as W3C trace context |
//! | `report.rs` | the log line and the CloudWatch metric |

mod config;
mod connection;
mod failure;
mod handler;
mod publish;
mod report;
mod trace;

pub use aws_credential_types::Credentials;
pub use aws_credential_types::provider::SharedCredentialsProvider;
pub use config::{Config, ConfigError, OnEnqueueFailure, Problem, Target, missing_lambda_variables};
pub use failure::FailureClass;
pub use handler::{Announcement, NotRecorded, Producer};
pub use publish::{ATTEMPT_TIMEOUT, ATTEMPTS, CONNECT_TIMEOUT, DEADLINE, LIVE_GROUP, OPENING};
pub use report::{log_configuration, log_error, log_panics};
