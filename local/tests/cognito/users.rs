//! What an administrator does with one user, and what he is told.

use aws_sdk_cognitoidentityprovider::operation::admin_get_user::AdminGetUserError;
use aws_sdk_cognitoidentityprovider::primitives::DateTime;
use aws_sdk_cognitoidentityprovider::types::{AttributeType, UserStatusType, UsernameAttributeType};
use local::cognito::User;
use worker::ports::UserStatus;

use crate::{Bench, code};

#[tokio::test]
async fn a_user_comes_back_as_he_was_put() {
    let bench = Bench::with_users(0).await;
    let user = User {
        created_at: 1_763_900_000_123,
        modified_at: 1_763_900_001_456,
        enabled: false,
        ..User::named("ana").with("email", "ana@example.com").being(UserStatus::ResetRequired)
    };
    assert!(bench.pool.add(user.clone()));
    assert!(!bench.pool.add(User::named("ana")), "a name is taken once");
    assert!(!bench.pool.add(User { username: "another".to_owned(), ..user.clone() }), "and so is a sub");
    let got = bench.get("ana").await.unwrap();
    assert_eq!(got.username, "ana");
    // The SDK cuts the fraction, which no binary number hits.
    let millis = |date: Option<DateTime>| (date.unwrap().as_nanos() + 500_000) / 1_000_000;
    assert_eq!(millis(got.user_create_date), 1_763_900_000_123);
    assert_eq!(millis(got.user_last_modified_date), 1_763_900_001_456);
    assert_eq!((got.enabled, got.user_status), (false, Some(UserStatusType::ResetRequired)));
    let attributes: Vec<_> = got.user_attributes.unwrap();
    let value = |name: &str| attributes.iter().find(|attribute| attribute.name == name)?.value.clone();
    assert_eq!((value("sub"), value("email")), (Some(user.sub), Some("ana@example.com".to_owned())));
    assert_eq!(attributes.len(), 2);
}

#[tokio::test]
async fn a_user_is_found_by_name_and_a_local_one_by_sub() {
    let bench = Bench::with_users(0).await;
    let (local, google) = (User::named("ana"), User::named("Google_1").being(UserStatus::ExternalProvider));
    assert!(bench.pool.add(local.clone()) && bench.pool.add(google.clone()));
    for name in ["ana", &local.sub, "Google_1"] {
        assert!(bench.get(name).await.is_ok(), "{name}");
    }
    for name in ["Ana", &google.sub, "nobody"] {
        let error = bench.get(name).await.unwrap_err().into_service_error();
        assert!(matches!(error, AdminGetUserError::UserNotFoundException(_)), "{name}: {error:?}");
    }
}

#[tokio::test]
async fn in_a_pool_of_addresses_the_name_is_the_sub() {
    let bench = Bench::with_users(0).await;
    let create = bench.client.create_user_pool().pool_name("by-email");
    let made = create.username_attributes(UsernameAttributeType::Email).send().await.unwrap();
    let id = made.user_pool.unwrap().id.unwrap();
    let create = |name: &str| bench.client.admin_create_user().user_pool_id(&id).username(name);
    let user = create("ana@example.com").send().await.unwrap().user.unwrap();
    let sub = user.attributes().iter().find(|attribute| attribute.name == "sub").unwrap().value.clone();
    assert_eq!(user.username, sub);
    assert_eq!(code(create("ana@example.com").send().await), "UsernameExistsException");
    assert_eq!(code(create("ana").send().await), "InvalidParameterException");
    for name in ["ana@example.com", &sub.unwrap()] {
        let got = bench.client.admin_get_user().user_pool_id(&id).username(name).send().await.unwrap();
        assert_eq!(Some(got.username), user.username);
    }
}

#[tokio::test]
async fn every_status_has_its_way() {
    let bench = Bench::with_users(0).await;
    let (client, id) = (&bench.client, bench.pool.id());
    let made = client.create_user_pool_client().user_pool_id(id).client_name("app").send().await.unwrap();
    let app = made.user_pool_client.unwrap().client_id.unwrap();
    client.sign_up().client_id(&app).username("ana").password("Long-enough-1").send().await.unwrap();
    assert_eq!(bench.status("ana").await, UserStatusType::Unconfirmed);
    let confirm = || client.admin_confirm_sign_up().user_pool_id(id).username("ana").send();
    confirm().await.unwrap();
    assert_eq!(bench.status("ana").await, UserStatusType::Confirmed);
    assert_eq!(code(confirm().await), "NotAuthorizedException");
    client.admin_reset_user_password().user_pool_id(id).username("ana").send().await.unwrap();
    assert_eq!(bench.status("ana").await, UserStatusType::ResetRequired);

    client.admin_create_user().user_pool_id(id).username("ben").send().await.unwrap();
    assert_eq!(bench.status("ben").await, UserStatusType::ForceChangePassword);
    let set = client.admin_set_user_password().user_pool_id(id).username("ben").password("Long-enough-1");
    set.permanent(true).send().await.unwrap();
    assert_eq!(bench.status("ben").await, UserStatusType::Confirmed);
    let email = AttributeType::builder().name("email").value("ben@example.com").build().unwrap();
    let update = client.admin_update_user_attributes().user_pool_id(id).username("ben");
    update.user_attributes(email).send().await.unwrap();
    assert_eq!(bench.pool.find("ben").unwrap().attributes["email"], "ben@example.com");

    client.admin_disable_user().user_pool_id(id).username("ben").send().await.unwrap();
    assert!(!bench.get("ben").await.unwrap().enabled);
    client.admin_enable_user().user_pool_id(id).username("ben").send().await.unwrap();
    assert!(bench.get("ben").await.unwrap().enabled);
    client.admin_delete_user().user_pool_id(id).username("ben").send().await.unwrap();
    assert_eq!(code(bench.get("ben").await), "UserNotFoundException");
}

#[tokio::test]
async fn a_pool_is_described_and_gone_when_it_is_deleted() {
    let bench = Bench::with_users(7).await;
    let describe = || bench.client.describe_user_pool().user_pool_id(bench.pool.id()).send();
    let pool = describe().await.unwrap().user_pool.unwrap();
    assert_eq!((pool.id.as_deref(), pool.estimated_number_of_users), (Some(bench.pool.id()), 7));
    bench.client.delete_user_pool().user_pool_id(bench.pool.id()).send().await.unwrap();
    assert_eq!(code(describe().await), "ResourceNotFoundException");
    assert_eq!(code(bench.get("user-1").await), "ResourceNotFoundException");
    let list = bench.client.list_users().user_pool_id(bench.pool.id());
    assert_eq!(code(list.send().await), "ResourceNotFoundException");
}

#[tokio::test]
async fn what_is_not_offered_is_refused_by_name() {
    let bench = Bench::with_users(0).await;
    let list = bench.client.list_groups().user_pool_id(bench.pool.id());
    assert_eq!(code(list.send().await), "UnknownOperationException");
}
