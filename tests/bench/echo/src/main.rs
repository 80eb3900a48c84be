//! The least a function in Rust can be: it gives the event back and does nothing. The benchmark measures it
//! beside the trigger, to show what the AWS SDK and TLS cost. Must never do any work.

use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let echo = service_fn(|event: LambdaEvent<Box<RawValue>>| async { Ok::<_, Diagnostic>(event.payload) });
    Runtime::new(echo).run().await
}
