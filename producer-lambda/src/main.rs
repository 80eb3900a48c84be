//! The Lambda's bootstrap: configuration, one client, then events until Lambda stops asking.
//!
//! Must never install a log subscriber: the libraries below log request bodies when asked to, and a
//! body is a person. What an operator needs to know, `report` writes.

use std::process::ExitCode;

use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use producer_lambda::{
    NotRecorded, OnEnqueueFailure, Producer, log_configuration, log_error, log_panics,
    missing_lambda_variables,
};
use serde_json::value::RawValue;

const EXIT_STAGE_FAILED: u8 = 70;
const EXIT_CONFIGURATION: u8 = 78;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    log_panics();
    let missing = missing_lambda_variables();
    if !missing.is_empty() {
        log_error(&format!(
            "this is the bootstrap of a Lambda function and Lambda is not here: {} not set",
            missing.join(", ")
        ));
        return ExitCode::from(EXIT_CONFIGURATION);
    }
    let producer = match Producer::from_env() {
        Ok(producer) => producer,
        Err(error) => {
            log_configuration(&error);
            // By default not even a mistake of ours may stop sign-ups; the metric tells instead. Who
            // asked for failures gets the loudest one, at deploy time.
            if error.on_enqueue_failure == OnEnqueueFailure::Fail {
                return ExitCode::from(EXIT_CONFIGURATION);
            }
            Producer::misconfigured(&error)
        }
    };
    // Now, so that the first announcement has its whole budget for the message.
    producer.connect().await;
    // Without lambda_runtime's tracing layer: the trace travels in the message, spans go nowhere.
    let runtime = Runtime::new(service_fn(|event: LambdaEvent<Box<RawValue>>| async {
        let (event, context) = event.into_parts();
        producer.handle(event, context.xray_trace_id.as_deref()).await.map_err(generic)
    }));
    if runtime.run().await.is_err() {
        log_error("Lambda's runtime API gave no next event");
        return ExitCode::from(EXIT_STAGE_FAILED);
    }
    ExitCode::SUCCESS
}

fn generic(error: NotRecorded) -> Diagnostic {
    Diagnostic { error_type: "ConfirmationNotRecorded".to_owned(), error_message: error.to_string() }
}
