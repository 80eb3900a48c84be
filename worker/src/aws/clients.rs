//! Builds the SDK's clients. Endpoints, region and credentials are the SDK's own business (`AWS_*`,
//! ECS task roles, profiles); retries are not: on the message path our loops own them.

use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::stats::Stats;

/// How long one attempt of an ordinary call may take.
pub const ATTEMPT: Duration = Duration::from_secs(5);

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(3);

/// The worker's clients.
#[derive(Clone)]
pub struct Clients {
    /// SQS without retries: receiving and settling, whose loops retry.
    pub sqs: aws_sdk_sqs::Client,
    /// SQS with the SDK's standard retries, for everything else.
    pub sqs_calm: aws_sdk_sqs::Client,
    /// DynamoDB without retries: the write loop retries, inside the lease.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// DynamoDB with the SDK's standard retries, for everything else.
    pub dynamodb_calm: aws_sdk_dynamodb::Client,
}

/// What the SDK finds in the environment, with the HTTP client both deployables use.
pub async fn load_sdk_config() -> SdkConfig {
    let http =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await
}

impl Clients {
    /// Clients that count their calls in `stats`.
    pub fn new(sdk: &SdkConfig, stats: &Arc<Stats>) -> Self {
        let timeouts =
            TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).build();
        let counter = CallCounter { stats: Arc::clone(stats) };
        let sqs = |retry| {
            let config = aws_sdk_sqs::config::Builder::from(sdk)
                .retry_config(retry)
                .timeout_config(timeouts.clone())
                .interceptor(counter.clone());
            aws_sdk_sqs::Client::from_conf(config.build())
        };
        let dynamodb = |retry| {
            let config = aws_sdk_dynamodb::config::Builder::from(sdk)
                .retry_config(retry)
                .timeout_config(timeouts.clone())
                .interceptor(counter.clone());
            aws_sdk_dynamodb::Client::from_conf(config.build())
        };
        Self {
            sqs: sqs(RetryConfig::disabled()),
            sqs_calm: sqs(RetryConfig::standard()),
            dynamodb: dynamodb(RetryConfig::disabled()),
            dynamodb_calm: dynamodb(RetryConfig::standard()),
        }
    }
}

/// Counts every request that leaves, retries included: what is billed, not what was meant.
#[derive(Clone)]
struct CallCounter {
    stats: Arc<Stats>,
}

impl std::fmt::Debug for CallCounter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CallCounter")
    }
}

impl Intercept for CallCounter {
    fn name(&self) -> &'static str {
        "CallCounter"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(metadata) = config.load::<Metadata>() {
            self.stats.on_api_call(metadata.name());
        }
        Ok(())
    }
}
