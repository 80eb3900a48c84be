//! Calls that cannot take effect, to see whether they are allowed. The doctor makes them on queues and
//! tables in use, so each is built to be refused: after AWS has looked at the permission, before
//! anything happens. (That it looks first is not documented for every call; unverified on AWS.)

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use domain::{Profile, Timestamp, UserPoolId, Username, body};

use super::classify::classify;
use super::clients::Clients;
use super::cognito::CognitoPools;
use super::dynamodb::attributes;
use crate::config::Config;
use crate::ports::{CallError, ErrorClass, UserPools};

/// What a harmless call showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// It was refused for its content, or did nothing: the permission is there.
    Allowed,
    /// It was refused for another reason.
    Failed(CallError),
    /// There is no harmless form of it here, and why.
    NotTried(&'static str),
}

/// Makes the attempts.
pub struct Attempts<'a> {
    /// Where.
    pub config: &'a Config,
    /// With what.
    pub clients: &'a Clients,
}

const NO_HANDLE: &str = "not-a-receipt-handle";

const NO_SUB: &str = "00000000-0000-0000-0000-000000000000";

/// A confirmation of nobody, for the shape of its item.
const NOBODY: &str = r#"{"v":1,"kind":"user.confirmed","source":"reconcile","userPoolId":"none_0",
    "sub":"00000000-0000-0000-0000-000000000000","username":"nobody","email":"nobody","observedAt":"2000-01-01T00:00:00Z"}"#;

impl Attempts<'_> {
    /// Zero messages cannot be received.
    pub async fn receive(&self) -> Tried {
        let request = self.clients.sqs_calm.receive_message().queue_url(&self.config.queue_url);
        judge(request.max_number_of_messages(0).send().await)
    }

    /// A receipt that is none cannot be deleted.
    pub async fn delete(&self) -> Tried {
        let request = self.clients.sqs_calm.delete_message().queue_url(&self.config.queue_url);
        judge(request.receipt_handle(NO_HANDLE).send().await)
    }

    /// Nor can its visibility be changed.
    pub async fn change_visibility(&self) -> Tried {
        let request = self.clients.sqs_calm.change_message_visibility().queue_url(&self.config.queue_url);
        judge(request.receipt_handle(NO_HANDLE).visibility_timeout(0).send().await)
    }

    /// An empty body cannot be sent.
    pub async fn send(&self, url: &str) -> Tried {
        judge(self.clients.sqs_calm.send_message().queue_url(url).message_body("").send().await)
    }

    /// A condition that no row can meet: the put is judged, and never made.
    pub async fn put(&self) -> Tried {
        let Some(profile) = self.nobody() else {
            return Tried::NotTried("the model requires attributes that a trial has not");
        };
        let Some((key, _)) = profile.key.iter().next() else {
            return Tried::NotTried("the model has no key");
        };
        let tried = self
            .clients
            .dynamodb_calm
            .put_item()
            .table_name(&self.config.table_name)
            .set_item(Some(attributes(&profile.item)))
            .condition_expression("attribute_exists(#k) AND attribute_not_exists(#k)")
            .expression_attribute_names("#k", key)
            .send()
            .await;
        match tried {
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Tried::Allowed,
            other => judge(other),
        }
    }

    /// An INSERT without a key cannot be made.
    pub async fn insert(&self) -> Tried {
        let statement = format!("INSERT INTO \"{}\" VALUE {{'__typename': ?}}", self.config.table_name);
        let parameter = AttributeValue::S(self.config.rules.model.type_name().to_owned());
        let request = self.clients.dynamodb_calm.execute_statement().statement(statement);
        judge(request.parameters(parameter).send().await)
    }

    /// Reads the row of nobody.
    pub async fn read(&self) -> Tried {
        let nobody = |name: &str| (name.to_owned(), AttributeValue::S(NO_SUB.into()));
        let key = self.config.rules.model.key_attributes().map(nobody).collect();
        let Ok(keys) = KeysAndAttributes::builder().keys(key).build() else {
            return Tried::NotTried("the model has no key");
        };
        let request = self.clients.dynamodb_calm.batch_get_item();
        judge(request.request_items(&self.config.table_name, keys).send().await)
    }

    /// Asks after nobody.
    pub async fn find_user(&self, pool: &UserPoolId) -> Tried {
        let Ok(nobody) = Username::parse(NO_SUB) else { return Tried::NotTried("nobody has no name") };
        match CognitoPools(self.clients.cognito.clone()).user(pool, &nobody).await {
            Ok(_) => Tried::Allowed,
            Err(error) => Tried::Failed(error),
        }
    }

    fn nobody(&self) -> Option<Profile> {
        let confirmation =
            body::read(NOBODY, Timestamp::from_epoch_ms(0).ok()?, |_| false).ok()?.confirmation;
        self.config.rules.model.profile(&confirmation).ok()
    }
}

/// A refusal of the input shows that the permission was there.
fn judge<O, E: ProvideErrorMetadata, R>(tried: Result<O, SdkError<E, R>>) -> Tried {
    match tried.map_err(|error| classify(&error)) {
        Ok(_) => Tried::Allowed,
        Err(error) if error.class == ErrorClass::Refused => Tried::Allowed,
        Err(error) => Tried::Failed(error),
    }
}
