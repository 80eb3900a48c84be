//! Builds the SDK's clients. Endpoints, region and credentials are the SDK's own business (`AWS_*`,
//! ECS task roles, profiles); retries are not: on the message path our loops own them.

use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::stats::Stats;
use crate::telemetry;

/// How long one attempt of an ordinary call may take.
pub const ATTEMPT: Duration = Duration::from_secs(5);

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(3);

/// The clients of the worker and of its jobs.
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
    /// Cognito without retries: its quota is shared with the live application, so who asks also paces.
    pub cognito: aws_sdk_cognitoidentityprovider::Client,
    /// S3 with the SDK's standard retries.
    pub s3: aws_sdk_s3::Client,
}

/// Where AWS is, and as whom.
#[derive(Debug, Clone)]
pub struct Access {
    sdk: SdkConfig,
    /// Takes the place of every other source of SQS's endpoint.
    sqs_endpoint: Option<String>,
    /// Takes the place of every other source of DynamoDB's endpoint.
    dynamodb_endpoint: Option<String>,
    /// Takes the place of every other source of Cognito's endpoint.
    cognito_endpoint: Option<String>,
    /// Takes the place of every other source of S3's endpoint.
    s3_endpoint: Option<String>,
}

/// Where a local stack has nothing to offer: a name that never resolves (RFC 6761, section 6.4).
const NOWHERE: &str = "http://nowhere.invalid";

impl Access {
    /// What the SDK finds in the environment, with the HTTP client both deployables use.
    pub async fn from_environment() -> Self {
        let sdk = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client()).load().await;
        Self { sdk, sqs_endpoint: None, dynamodb_endpoint: None, cognito_endpoint: None, s3_endpoint: None }
    }

    /// Endpoints on this machine, which check no credentials. Reads nothing from the environment, so
    /// that whatever is set there, nothing reaches AWS.
    pub fn local(sqs_endpoint: &str, dynamodb_endpoint: &str) -> Self {
        let credentials = Credentials::new("local", "local", None, None, "local");
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http_client())
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .time_source(SystemTimeSource::new())
            .build();
        Self {
            sdk,
            sqs_endpoint: Some(sqs_endpoint.to_owned()),
            dynamodb_endpoint: Some(dynamodb_endpoint.to_owned()),
            cognito_endpoint: Some(NOWHERE.to_owned()),
            s3_endpoint: Some(NOWHERE.to_owned()),
        }
    }

    /// With Cognito at this endpoint.
    #[must_use]
    pub fn with_cognito(mut self, endpoint: &str) -> Self {
        self.cognito_endpoint = Some(endpoint.to_owned());
        self
    }

    /// With S3 at this endpoint.
    #[must_use]
    pub fn with_s3(mut self, endpoint: &str) -> Self {
        self.s3_endpoint = Some(endpoint.to_owned());
        self
    }

    /// A builder of SQS's configuration.
    pub fn sqs(&self) -> aws_sdk_sqs::config::Builder {
        let mut config = aws_sdk_sqs::config::Builder::from(&self.sdk);
        if let Some(endpoint) = &self.sqs_endpoint {
            config = config.endpoint_url(endpoint);
        }
        config
    }

    /// A builder of DynamoDB's configuration.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::config::Builder {
        let mut config = aws_sdk_dynamodb::config::Builder::from(&self.sdk);
        if let Some(endpoint) = &self.dynamodb_endpoint {
            config = config.endpoint_url(endpoint);
        }
        config
    }

    /// A builder of Cognito's configuration.
    pub fn cognito(&self) -> aws_sdk_cognitoidentityprovider::config::Builder {
        let mut config = aws_sdk_cognitoidentityprovider::config::Builder::from(&self.sdk);
        if let Some(endpoint) = &self.cognito_endpoint {
            config = config.endpoint_url(endpoint);
        }
        config
    }

    /// A builder of S3's configuration.
    pub fn s3(&self) -> aws_sdk_s3::config::Builder {
        let mut config = aws_sdk_s3::config::Builder::from(&self.sdk);
        if let Some(endpoint) = &self.s3_endpoint {
            config = config.endpoint_url(endpoint);
        }
        config
    }
}

fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

/// How long an ordinary call may take.
pub(super) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).build()
}

impl Clients {
    /// Clients that count their calls in `stats`.
    pub fn new(access: &Access, stats: &Arc<Stats>) -> Self {
        let counter = CallCounter { stats: Arc::clone(stats) };
        // The deadline of an attempt covers its body. To watch besides how fast that flows is work on every call, and
        // wakes an idle worker all through a long poll.
        let sqs = |retry| {
            let config = access
                .sqs()
                .retry_config(retry)
                .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
                .timeout_config(timeouts())
                .interceptor(counter.clone());
            aws_sdk_sqs::Client::from_conf(config.build())
        };
        let dynamodb = |retry| {
            let config = access
                .dynamodb()
                .retry_config(retry)
                .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
                .timeout_config(timeouts())
                .interceptor(counter.clone());
            aws_sdk_dynamodb::Client::from_conf(config.build())
        };
        let cognito = access
            .cognito()
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts())
            .interceptor(counter.clone());
        let s3 = access.s3().retry_config(RetryConfig::standard()).interceptor(counter.clone());
        Self {
            cognito: aws_sdk_cognitoidentityprovider::Client::from_conf(cognito.build()),
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            sqs: sqs(RetryConfig::disabled()),
            sqs_calm: sqs(RetryConfig::standard()),
            dynamodb: dynamodb(RetryConfig::disabled()),
            dynamodb_calm: dynamodb(RetryConfig::standard()),
        }
    }
}

/// Counts every request that leaves, retries included: what is billed, not what was meant. And hears by which id
/// the service knows it.
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

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(id) = context.response().headers().get("x-amzn-requestid") {
            telemetry::answered_as(id);
        }
        Ok(())
    }
}
