//! What the jobs rely on in a user pool, through the worker's own port, on whatever engine there is. What only the
//! embedded engine can be made to do stands at the end.

use std::collections::BTreeSet;

use domain::Username;
use harness::{UserPool, world};
use local::cognito::User;
use worker::aws::cognito::CognitoPool;
use worker::ports::{ErrorClass, UserDirectory, UserPage, UserStatus};

/// Every page from the first to the last.
async fn pages(pool: &impl UserDirectory) -> Vec<UserPage> {
    let mut pages: Vec<UserPage> = Vec::new();
    loop {
        let token = pages.last().and_then(|page| page.next.as_deref());
        let page = pool.page(token).await.unwrap();
        let last = page.next.is_none();
        pages.push(page);
        if last {
            return pages;
        }
    }
}

fn subs(pages: &[UserPage]) -> Vec<String> {
    pages.iter().flat_map(|page| &page.users).map(|user| user.sub.as_str().to_owned()).collect()
}

fn named(name: &str) -> Username {
    Username::parse(name).unwrap()
}

#[tokio::test]
async fn the_pages_of_a_pool_show_everybody_once() {
    let world = world!(bare UserPools);
    let pool = UserPool::create(&world).await;
    let directory = pool.directory();
    let none = pages(&directory).await;
    assert_eq!((none.len(), subs(&none).len()), (1, 0), "an empty pool is one empty page");
    let mut made = BTreeSet::new();
    for n in 0..61 {
        made.insert(pool.create_user(&format!("user-{n}"), None).await);
    }
    let shown = pages(&directory).await;
    assert!(shown.iter().all(|page| page.users.len() <= 60 && page.unreadable == 0));
    let shown = subs(&shown);
    assert_eq!(shown.len(), 61, "somebody was shown twice");
    assert_eq!(BTreeSet::from_iter(shown), made);
}

#[tokio::test]
async fn a_user_is_told_as_he_is() {
    let world = world!(bare UserPools);
    let pool = UserPool::create(&world).await;
    let sub = pool.create_user("ana", Some("ana@example.com")).await;
    let directory = pool.directory();
    let ana = directory.user(&named("ana")).await.unwrap().unwrap();
    assert_eq!((ana.sub.as_str(), ana.username.as_str()), (sub.as_str(), "ana"));
    assert_eq!((&ana.status, ana.enabled), (&UserStatus::ForceChangePassword, true));
    assert_eq!(ana.attributes["email"], "ana@example.com");
    assert!(ana.created_at <= ana.modified_at);
    let listed = directory.page(None).await.unwrap().users;
    assert!(listed.len() == 1 && listed[0] == ana, "both calls tell the same");

    pool.confirm_user("ana").await;
    pool.client.admin_disable_user().user_pool_id(&pool.id).username("ana").send().await.unwrap();
    let ana = directory.user(&named("ana")).await.unwrap().unwrap();
    assert_eq!((&ana.status, ana.enabled), (&UserStatus::Confirmed, false));
    let by_sub = directory.user(&named(&sub)).await.unwrap().unwrap();
    assert!(by_sub == ana, "the sub of a local user is as good as his name");
}

#[tokio::test]
async fn a_name_that_is_used_again_is_another_user() {
    let world = world!(bare UserPools);
    let pool = UserPool::create(&world).await;
    let directory = pool.directory();
    let first = pool.create_user("ana", None).await;
    pool.client.admin_delete_user().user_pool_id(&pool.id).username("ana").send().await.unwrap();
    assert!(directory.user(&named("ana")).await.unwrap().is_none());
    let second = pool.create_user("ana", None).await;
    assert_ne!(first, second);
    assert_eq!(directory.user(&named("ana")).await.unwrap().unwrap().sub.as_str(), second);
    assert!(directory.user(&named(&first)).await.unwrap().is_none());
}

#[tokio::test]
async fn nobody_of_that_name_is_no_error_and_a_missing_pool_is_one() {
    let world = world!(bare UserPools);
    let pool = UserPool::create(&world).await;
    assert!(pool.directory().user(&named("nobody")).await.unwrap().is_none());
    let missing = pool.directory_of("eu-central-1_missing00");
    let Err(error) = missing.user(&named("nobody")).await else { panic!("a user of a missing pool") };
    assert_eq!(error.class, ErrorClass::Missing, "{error}");
    let Err(error) = missing.page(None).await else { panic!("a page of a missing pool") };
    assert_eq!(error.class, ErrorClass::Missing, "{error}");
}

#[tokio::test]
async fn a_date_is_told_to_the_millisecond() {
    let world = world!(bare OwnPools);
    let pool = UserPool::create(&world).await;
    let users = world.stack().cognito.pool(&pool.id).unwrap();
    let (created_at, modified_at) = (1_763_900_000_123, 1_763_900_001_001);
    assert!(users.add(User { created_at, modified_at, ..User::named("ana") }));
    let directory = pool.directory();
    let told = directory.user(&named("ana")).await.unwrap().unwrap();
    assert_eq!(told.created_at.to_string(), "2025-11-23T12:13:20.123Z");
    assert_eq!(told.modified_at.to_string(), "2025-11-23T12:13:21.001Z");
    assert!(directory.page(None).await.unwrap().users[0] == told);
}

#[tokio::test]
async fn what_cognito_says_no_to_has_the_class_of_its_remedy() {
    let world = world!(bare OwnPools);
    let cognito = &world.stack().cognito;
    let pool = UserPool::create(&world).await;
    let users = cognito.pool(&pool.id).unwrap();
    (0..121).for_each(|n| assert!(users.add(User::with_email(format!("{n}@example.com")))));
    let directory: CognitoPool = pool.directory();
    let class = async |token: Option<&str>| directory.page(token).await.err().map(|error| error.class);

    let token = directory.page(None).await.unwrap().next.unwrap();
    assert_eq!(class(Some("made-up")).await, Some(ErrorClass::Refused));
    cognito.expire_tokens_after(1);
    assert_eq!(class(Some(&token)).await, None);
    assert_eq!(class(Some(&token)).await, Some(ErrorClass::Refused), "expired");

    cognito.trouble().throttle_every(1);
    assert_eq!(class(None).await, Some(ErrorClass::Throttled));
    cognito.trouble().throttle_every(0);
    cognito.trouble().deny_after(0);
    assert_eq!(class(None).await, Some(ErrorClass::Denied));
    cognito.trouble().allow();

    cognito.trouble().page_sizes(&[60, 0, 7, 0]);
    let shown = pages(&directory).await;
    let sizes: Vec<_> = shown.iter().map(|page| page.users.len()).collect();
    assert_eq!(sizes, [60, 0, 7, 0, 54, 0], "short and empty pages are not the end");
}
