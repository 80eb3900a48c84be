//! A user pool of one test, reached over the wire like any other: made, filled by an administrator, deleted again
//! where the engine outlives the test.

use aws_sdk_cognitoidentityprovider::Client;
use aws_sdk_cognitoidentityprovider::config::retry::RetryConfig;
use aws_sdk_cognitoidentityprovider::types::{AttributeType, MessageActionType};
use domain::UserPoolId;
use worker::aws::clients::Access;
use worker::aws::cognito::CognitoPool;

use crate::world::World;

/// A pool, nobody else's.
pub struct UserPool {
    access: Access,
    outlives_the_test: bool,
    /// Cognito, without retries.
    pub client: Client,
    /// Its id.
    pub id: String,
}

impl UserPool {
    /// Makes one.
    pub async fn create(world: &World) -> Self {
        let client = client(&world.access());
        let made = client.create_user_pool().pool_name(world.table()).send().await.unwrap();
        let id = made.user_pool.unwrap().id.unwrap();
        // Connections belong to the runtime they were made on, so cleaning up has others.
        Self { access: world.access(), outlives_the_test: world.outlives_the_test(), client, id }
    }

    /// The pool as the worker sees it.
    pub fn directory(&self) -> CognitoPool {
        self.directory_of(&self.id)
    }

    /// Another pool as the worker sees it, whether it is there or not.
    pub fn directory_of(&self, id: &str) -> CognitoPool {
        CognitoPool::new(self.client.clone(), UserPoolId::parse(id).unwrap())
    }

    /// An administrator makes a user and tells him nothing; what comes back is his sub.
    pub async fn create_user(&self, username: &str, email: Option<&str>) -> String {
        let create = self.client.admin_create_user().user_pool_id(&self.id).username(username);
        let email = email.map(|email| AttributeType::builder().name("email").value(email).build().unwrap());
        let create = create.set_user_attributes(email.map(|email| vec![email]));
        let made = create.message_action(MessageActionType::Suppress).send().await.unwrap();
        let attributes = made.user.unwrap().attributes.unwrap();
        attributes.into_iter().find(|attribute| attribute.name == "sub").unwrap().value.unwrap()
    }

    /// The user has a password of his own, and so is confirmed.
    pub async fn confirm_user(&self, username: &str) {
        let set = self.client.admin_set_user_password().user_pool_id(&self.id).username(username);
        set.password("Long-enough-1").permanent(true).send().await.unwrap();
    }
}

impl Drop for UserPool {
    fn drop(&mut self) {
        if !self.outlives_the_test {
            return;
        }
        let (access, id) = (self.access.clone(), self.id.clone());
        // A runtime of its own: this may be a panic's way out of another one.
        let cleaning = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime
                .block_on(async { client(&access).delete_user_pool().user_pool_id(id).send().await.is_ok() })
        });
        let _ = cleaning.join();
    }
}

fn client(access: &Access) -> Client {
    Client::from_conf(access.cognito().retry_config(RetryConfig::disabled()).build())
}
