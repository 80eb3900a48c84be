//! ListUsers: pages, tokens, filters.

use std::collections::BTreeSet;

use local::cognito::User;

use crate::{Bench, code, name};

#[tokio::test]
async fn a_chain_of_pages_shows_everybody_once() {
    let bench = Bench::new().await;
    for n in 0..130 {
        assert!(bench.pool.add(User::named(format!("user-{n}"))));
    }
    let (mut seen, mut sizes, mut token) = (BTreeSet::new(), Vec::new(), None);
    loop {
        let page = bench.page(token).await;
        let users = page.users.unwrap();
        sizes.push(users.len());
        for user in &users {
            assert!(seen.insert(name(user).to_owned()), "{} was shown twice", name(user));
        }
        token = page.pagination_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [60, 60, 10]);
    assert_eq!(seen.len(), 130);
}

#[tokio::test]
async fn sixty_at_most() {
    let bench = Bench::new().await;
    for limit in [61, -1] {
        let list = bench.client.list_users().user_pool_id(bench.pool.id()).limit(limit);
        assert_eq!(code(list.send().await), "InvalidParameterException", "{limit}");
    }
}
