//! One item by a conditional PutItem: made if absent, and never in the place of another.

use std::sync::Arc;

use domain::{Item, Profile};
use tokio::task::JoinSet;
use worker::ports::ProfileTable;

use crate::finding::{Finding, inserted};
use crate::profiles::User;
use crate::subject::Subject;

/// Whether the table holds exactly these items, attribute for attribute.
pub(crate) async fn whether_holds<S: Subject>(subject: &S, profiles: &[&Profile]) -> &'static str {
    let mut expected: Vec<_> = profiles.iter().map(|profile| profile.item.to_dynamodb_json()).collect();
    let mut found = subject.items().await;
    expected.sort_by_key(ToString::to_string);
    found.sort_by_key(ToString::to_string);
    if found == expected { "the table is right" } else { "the table is wrong" }
}

/// "Creates a new item" (API_PutItem).
pub(crate) async fn an_absent_item_is_written_as_it_is<S: Subject>(subject: &S) -> Finding {
    subject.make_table(&["id"]).await;
    let profile = User::new("ana").profile();
    let result = inserted(&subject.table().insert(&profile).await);
    Finding::documented(
        "created; the table is right",
        format!("{result}; {}", whether_holds(subject, &[&profile]).await),
    )
}

/// "If you specify … attribute_not_exists … PutItem [fails] if a matching item exists"; ALL_OLD "returns the item
/// attributes for an operation that failed a condition check" (API_PutItem).
pub(crate) async fn a_present_item_stays_and_its_owner_is_told<S: Subject>(subject: &S) -> Finding {
    subject.make_table(&["id"]).await;
    let first = User::new("first");
    let (first, second) = (first.profile(), first.with_name("second").profile());
    let table = subject.table();
    table.insert(&first).await.unwrap();
    let result = inserted(&table.insert(&second).await);
    Finding::documented(
        "exists: first; the table is right",
        format!("{result}; {}", whether_holds(subject, &[&first]).await),
    )
}

/// The same, of a row that nobody owns: the item that is told has no such attribute.
pub(crate) async fn a_present_item_without_owner_says_so<S: Subject>(subject: &S) -> Finding {
    subject.make_table(&["id"]).await;
    let user = User::new("first");
    let table = subject.table();
    table.insert(&user.ownerless()).await.unwrap();
    let result = inserted(&table.insert(&user.profile()).await);
    Finding::documented(
        "exists: no owner; the table is right",
        format!("{result}; {}", whether_holds(subject, &[&user.ownerless()]).await),
    )
}

/// "Conditional writes … are helpful in cases where multiple users attempt to modify the same item"; the condition is
/// looked at and the item written in one step (DynamoDB developer guide, "Conditional writes").
pub(crate) async fn racing_inserts_have_one_winner<S: Subject>(subject: &S) -> Finding {
    subject.make_table(&["id"]).await;
    let user = User::new("nobody");
    let table = Arc::new(subject.table());
    let mut racing = JoinSet::new();
    for n in 0..16 {
        let (table, profile) = (Arc::clone(&table), user.with_name(&format!("racer-{n}")).profile());
        racing.spawn(async move { (inserted(&table.insert(&profile).await), profile) });
    }
    let results = racing.join_all().await;
    let (winners, losers): (Vec<_>, Vec<_>) = results.iter().partition(|(result, _)| result == "created");
    let profiles: Vec<&Profile> = winners.iter().map(|(_, profile)| profile).collect();
    let right = whether_holds(subject, &profiles).await;
    let told = losers.iter().filter(|(result, _)| result.starts_with("exists: racer-")).count();
    Finding::documented(
        "1 created, 15 told whose it is; the table is right",
        format!("{} created, {told} told whose it is; {right}", winners.len()),
    )
}

/// "If you use both a partition key and a sort key … you can have multiple items with the same partition key value,
/// [with] different sort key values" (DynamoDB developer guide, "Core components").
pub(crate) async fn the_whole_key_decides<S: Subject>(subject: &S) -> Finding {
    subject.make_table(&["id", "account"]).await;
    let user = User::new("first");
    let (first, second) = (user.two_part_key(), user.with_name("second").two_part_key());
    let table = subject.table();
    let mut results = Vec::new();
    for profile in [&first, &second, &first] {
        results.push(inserted(&table.insert(profile).await));
    }
    Finding::documented(
        "created, created, exists: first; the table is right",
        format!("{}; {}", results.join(", "), whether_holds(subject, &[&first, &second]).await),
    )
}

/// "Numbers are sent across the network to DynamoDB as strings … up to 38 digits of precision" (DynamoDB developer
/// guide, "Supported data types"); nothing is rounded.
pub(crate) async fn numbers_and_flags_keep_their_types<S: Subject>(subject: &S) -> Finding {
    subject.make_table(&["id"]).await;
    let profile = User::new("ana").every_type();
    let result = inserted(&subject.table().insert(&profile).await);
    Finding::documented(
        "created; the table is right",
        format!("{result}; {}", whether_holds(subject, &[&profile]).await),
    )
}

/// "The maximum item size in DynamoDB is 400 KB, which includes both attribute name binary length and attribute value
/// lengths" (DynamoDB developer guide, "Quotas"). The domain lets nothing larger through.
pub(crate) async fn the_largest_item_is_taken<S: Subject>(subject: &S) -> Finding {
    subject.make_table(&["id"]).await;
    let profile = User::new("ana").large(Item::MAX_BYTES);
    let result = inserted(&subject.table().insert(&profile).await);
    Finding::documented(
        "created; the table is right",
        format!("{result}; {}", whether_holds(subject, &[&profile]).await),
    )
}
