//! The local Cognito server as its clients see it: every probe goes through the real SDK over HTTP, with retries
//! off, so that nothing is mended on the way.
//!
//! Exists to hold the server to the contract of Cognito. Must never sleep to wait for something.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected has to stop right there"
)]

#[path = "cognito/listing.rs"]
mod listing;

use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::config::retry::RetryConfig;
use aws_sdk_cognitoidentityprovider::config::{BehaviorVersion, Config, Region};
use aws_sdk_cognitoidentityprovider::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cognitoidentityprovider::operation::list_users::ListUsersOutput;
use aws_sdk_cognitoidentityprovider::types::UserType;
use local::cognito::{CognitoServer, Pool};

/// A server, a client of it and a pool to use.
struct Bench {
    server: CognitoServer,
    client: Client,
    pool: Arc<Pool>,
}

impl Bench {
    async fn new() -> Self {
        let server = CognitoServer::start(([127, 0, 0, 1], 0).into()).await.unwrap();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
            .endpoint_url(server.endpoint())
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let pool = server.create_pool("people");
        Self { client: Client::from_conf(config), pool, server }
    }

    /// One page of the pool; a token leads to it.
    async fn page(&self, token: Option<String>) -> ListUsersOutput {
        let list = self.client.list_users().user_pool_id(self.pool.id());
        list.set_pagination_token(token).send().await.unwrap()
    }
}

fn name(user: &UserType) -> &str {
    user.username.as_deref().unwrap()
}

/// The error code as the service sends it.
fn code<T: std::fmt::Debug, E: ProvideErrorMetadata, R>(result: Result<T, SdkError<E, R>>) -> String {
    let error = result.expect_err("the call should be refused");
    error.code().unwrap_or("no code").to_owned()
}
