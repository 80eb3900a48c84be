//! Cognito behind [`UserDirectory`]. Must not ask for chosen attributes: ListUsers fails as soon as one user
//! lacks one of them (Cognito API reference, `AttributesToGet`).

use std::collections::BTreeMap;

use aws_sdk_cognitoidentityprovider::types::{AttributeType, UserStatusType, UserType};
use aws_smithy_types::DateTime;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use domain::{Timestamp, UserPoolId, UserSub, Username};

use super::classify::classify;
use crate::ports::{CallError, ErrorClass, MOST_USERS, User, UserDirectory, UserPage, UserPools, UserStatus};

/// One user pool.
#[derive(Clone)]
pub struct CognitoPool {
    client: aws_sdk_cognitoidentityprovider::Client,
    pool: UserPoolId,
}

impl CognitoPool {
    /// The pool with this id.
    pub fn new(client: aws_sdk_cognitoidentityprovider::Client, pool: UserPoolId) -> Self {
        Self { client, pool }
    }
}

/// Whichever user pool.
#[derive(Clone)]
pub struct CognitoPools(pub aws_sdk_cognitoidentityprovider::Client);

impl UserPools for CognitoPools {
    async fn user(&self, pool: &UserPoolId, username: &Username) -> Result<Option<User>, CallError> {
        CognitoPool::new(self.0.clone(), pool.clone()).user(username).await
    }
}

impl CognitoPool {
    /// The user with this sub; `None` if there is none. AdminGetUser would not do: it takes names and aliases, and a
    /// name is free for reuse.
    pub async fn by_sub(&self, sub: &UserSub) -> Result<Option<User>, CallError> {
        // A sub is hexadecimal digits and hyphens: nothing to escape.
        let filter = format!("sub = \"{}\"", sub.as_str());
        let request = self.client.list_users().user_pool_id(self.pool.as_str()).filter(filter).limit(2);
        let answer = request.send().await.map_err(|error| classify(&error))?;
        let mut found = answer.users.unwrap_or_default().into_iter().filter_map(listed);
        Ok(found.find(|user| user.sub == *sub))
    }
}

impl UserDirectory for CognitoPool {
    async fn page(&self, token: Option<&str>) -> Result<UserPage, CallError> {
        let request = self.client.list_users().user_pool_id(self.pool.as_str()).limit(MOST_USERS);
        let answer = request
            .set_pagination_token(token.map(str::to_owned))
            .send()
            .await
            .map_err(|error| classify(&error))?;
        let given = answer.users.unwrap_or_default();
        let all = given.len();
        let users: Vec<User> = given.into_iter().filter_map(listed).collect();
        Ok(UserPage {
            unreadable: u64::try_from(all - users.len()).unwrap_or(u64::MAX),
            users,
            next: answer.pagination_token.filter(|token| !token.is_empty()),
        })
    }

    async fn user(&self, username: &Username) -> Result<Option<User>, CallError> {
        let request = self.client.admin_get_user().user_pool_id(self.pool.as_str());
        let answer = match request.username(username.as_str()).send().await {
            Ok(answer) => answer,
            Err(error) if error.code() == Some("UserNotFoundException") => return Ok(None),
            Err(error) => return Err(classify(&error)),
        };
        let dates = answer.user_create_date.map(|created| (created, answer.user_last_modified_date));
        let user = dates.and_then(|dates| {
            let attributes = answer.user_attributes.unwrap_or_default();
            user_of(&answer.username, answer.user_status.as_ref(), answer.enabled, dates, attributes)
        });
        user.map(Some).ok_or_else(|| CallError::new(ErrorClass::Unavailable, "unreadable_user"))
    }

    async fn estimated_users(&self) -> Result<u64, CallError> {
        let request = self.client.describe_user_pool().user_pool_id(self.pool.as_str());
        let answer = request.send().await.map_err(|error| classify(&error))?;
        let told = answer.user_pool.map_or(0, |pool| pool.estimated_number_of_users);
        Ok(u64::try_from(told).unwrap_or_default())
    }
}

fn listed(user: UserType) -> Option<User> {
    user_of(
        user.username.as_deref()?,
        user.user_status.as_ref(),
        user.enabled,
        (user.user_create_date?, user.user_last_modified_date),
        user.attributes.unwrap_or_default(),
    )
}

fn user_of(
    username: &str,
    status: Option<&UserStatusType>,
    enabled: bool,
    (created, modified): (DateTime, Option<DateTime>),
    attributes: Vec<AttributeType>,
) -> Option<User> {
    let attributes: BTreeMap<String, String> = attributes
        .into_iter()
        .filter_map(|attribute| Some((attribute.name, attribute.value.filter(|value| !value.is_empty())?)))
        .collect();
    let created_at = timestamp(created)?;
    Some(User {
        sub: UserSub::parse(attributes.get("sub")?).ok()?,
        username: Username::parse(username).ok()?,
        status: UserStatus::parse(status.map_or("UNKNOWN", UserStatusType::as_str)),
        enabled,
        created_at,
        modified_at: modified.and_then(timestamp).unwrap_or(created_at),
        attributes,
    })
}

/// The nearest millisecond: Cognito sends seconds with a fraction, which as a binary number falls short of it.
fn timestamp(time: DateTime) -> Option<Timestamp> {
    let millis = (time.as_nanos() + 500_000).div_euclid(1_000_000);
    Timestamp::from_epoch_ms(i64::try_from(millis).ok()?).ok()
}
