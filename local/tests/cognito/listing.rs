//! ListUsers: pages, tokens, filters.

use std::collections::BTreeSet;

use aws_sdk_cognitoidentityprovider::operation::list_users::ListUsersError;
use local::cognito::User;
use worker::ports::UserStatus;

use crate::{Bench, code, name};

/// The names on every page from this one on.
async fn names_from(bench: &Bench, mut token: Option<String>) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let page = bench.page(token).await;
        names.extend(page.users().iter().map(|user| name(user).to_owned()));
        token = page.pagination_token;
        if token.is_none() {
            return names;
        }
    }
}

#[tokio::test]
async fn a_chain_of_pages_shows_everybody_once() {
    let bench = Bench::with_users(130).await;
    let first = bench.page(None).await;
    let second = bench.page(first.pagination_token.clone()).await;
    let third = bench.page(second.pagination_token.clone()).await;
    let sizes = [&first, &second, &third].map(|page| page.users().len());
    assert_eq!((sizes, third.pagination_token), ([60, 60, 10], None));
    let names = names_from(&bench, None).await;
    assert_eq!((names.len(), BTreeSet::from_iter(names).len()), (130, 130));
}

#[tokio::test]
async fn a_full_last_page_has_no_token() {
    let bench = Bench::with_users(60).await;
    let page = bench.page(None).await;
    assert_eq!((page.users().len(), page.pagination_token), (60, None));
}

#[tokio::test]
async fn whoever_is_deleted_meanwhile_costs_nobody_his_place() {
    let bench = Bench::with_users(121).await;
    let token = bench.page(None).await.pagination_token;
    for gone in ["user-0", "user-59", "user-60", "user-61"] {
        assert!(bench.pool.remove(gone));
    }
    let rest = names_from(&bench, token).await;
    let expected: Vec<_> = (62..121).map(|n| format!("user-{n}")).collect();
    assert_eq!(rest, expected);
    assert!(bench.pool.add(User::named("user-0")), "the name is free");
    assert_eq!(bench.pool.len(), 118);
}

#[tokio::test]
async fn sixty_at_most_and_whole_users_only() {
    let bench = Bench::with_users(3).await;
    let list = || bench.client.list_users().user_pool_id(bench.pool.id());
    for limit in [61, -1] {
        assert_eq!(code(list().limit(limit).send().await), "InvalidParameterException", "{limit}");
    }
    assert_eq!(list().limit(2).send().await.unwrap().users().len(), 2);
    assert_eq!(code(list().attributes_to_get("email").send().await), "InvalidParameterException");
}

#[tokio::test]
async fn a_token_belongs_to_its_pool_and_to_its_parameters() {
    let bench = Bench::with_users(61).await;
    let other = bench.server.create_pool("others");
    (0..61).for_each(|n| assert!(other.add(User::named(format!("other-{n}")))));
    let token = bench.page(None).await.pagination_token.unwrap();
    let list = |pool: &str| bench.client.list_users().user_pool_id(pool).pagination_token(&token);
    for refused in [
        list(other.id()),
        list(bench.pool.id()).limit(59),
        list(bench.pool.id()).filter("status = \"Enabled\""),
        list(bench.pool.id()).set_pagination_token(Some("made-up".to_owned())),
    ] {
        let error = refused.send().await.unwrap_err().into_service_error();
        assert!(matches!(error, ListUsersError::InvalidParameterException(_)), "{error:?}");
    }
    for _ in 0..2 {
        assert_eq!(bench.page(Some(token.clone())).await.users().len(), 1, "it may be used again");
    }
}

#[tokio::test]
async fn tokens_expire_and_whoever_begins_again_gets_through() {
    let bench = Bench::with_users(200).await;
    bench.server.expire_tokens_after(2);
    let mut token = bench.page(None).await.pagination_token;
    for _ in 0..2 {
        token = bench.page(token).await.pagination_token;
    }
    let list = bench.client.list_users().user_pool_id(bench.pool.id());
    assert_eq!(code(list.set_pagination_token(token).send().await), "InvalidParameterException");
    assert_eq!(names_from(&bench, None).await.len(), 200);
}

#[tokio::test]
async fn a_filter_finds_those_it_describes() {
    let bench = Bench::with_users(70).await;
    bench.pool.change("user-3", |user| user.enabled = false);
    bench.pool.change("user-4", |user| user.status = UserStatus::ResetRequired);
    let found = async |filter: &str| {
        let list = bench.client.list_users().user_pool_id(bench.pool.id()).filter(filter);
        list.send().await.map(|page| (page.users().len(), page.pagination_token.is_some()))
    };
    for (filter, expected) in [
        ("status = \"Enabled\"", (60, true)),
        ("status = \"Disabled\"", (1, false)),
        ("cognito:user_status = \"reset_required\"", (1, false)),
        ("username ^= \"user-6\"", (11, false)),
        ("username = \"nobody\"", (0, false)),
        ("", (60, true)),
    ] {
        assert_eq!(found(filter).await.unwrap(), expected, "{filter}");
    }
    assert_eq!(code(found("custom:tenant = \"blue\"").await), "InvalidParameterException");
}

#[tokio::test]
async fn short_and_empty_pages_lead_on() {
    let bench = Bench::with_users(80).await;
    bench.server.trouble().page_sizes(&[0, 7, 60]);
    let (mut sizes, mut token) = (Vec::new(), None);
    loop {
        let page = bench.page(token).await;
        sizes.push(page.users().len());
        token = page.pagination_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [0, 7, 60, 0, 7, 6, 0], "the last page may be empty, too");
    assert_eq!(names_from(&bench, None).await.len(), 80);
    bench.server.trouble().page_sizes(&[]);
    assert_eq!(bench.page(None).await.users().len(), 60);
}
