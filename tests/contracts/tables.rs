//! A table that is not there, or not the one it was: Amplify recreates tables under the same name.

use worker::ports::ProfileTable;

use crate::finding::{Finding, all_inserted, inserted, listed, owner};
use crate::inserting::whether_holds;
use crate::profiles::User;
use crate::subject::Subject;

/// ResourceNotFoundException (API_PutItem, API_BatchGetItem); of a statement ResourceNotFound (API_BatchStatementError).
/// The worker waits for a table that is missing and quarantines nothing.
pub(crate) async fn a_missing_table_is_missing_to_all_calls<S: Subject>(subject: &S) -> Finding {
    let (one, other) = (User::new("one").profile(), User::new("other").profile());
    let table = subject.table();
    let single = inserted(&table.insert(&one).await);
    let batch = all_inserted(&table.insert_batch(&[&one, &other]).await);
    let owners = listed(&table.owners(&[&one.key]).await, owner);
    Finding::left_open(
        [
            "insert missing; batch: 2 × missing; owners: the call is missing",
            "insert missing; batch: the call is missing; owners: the call is missing",
        ],
        format!("insert {single}; batch: {batch}; owners: {owners}"),
    )
}

/// "One or more parameter values were invalid: Missing the key" is a ValidationException (DynamoDB developer guide,
/// "Error handling"). Refused, not missing: the worker must not take it for the items' fault when all are refused.
pub(crate) async fn a_table_made_again_with_another_key_refuses<S: Subject>(subject: &S) -> Finding {
    let [one, other] = ["one", "other"].map(|name| User::new(name).profile());
    subject.make_table(&["id"]).await;
    let table = subject.table();
    table.insert(&one).await.unwrap();
    subject.drop_table().await;
    subject.make_table(&["account"]).await;
    let single = inserted(&table.insert(&one).await);
    let batch = all_inserted(&table.insert_batch(&[&one, &other]).await);
    let right = whether_holds(subject, &[]).await;
    Finding::left_open(
        [
            "insert refused; batch: 2 × refused; the table is right",
            "insert refused; batch: the call is refused; the table is right",
        ],
        format!("insert {single}; batch: {batch}; {right}"),
    )
}

/// A table is its name (API_CreateTable): what was made again is there for whoever waited, and empty.
pub(crate) async fn a_table_made_again_takes_items<S: Subject>(subject: &S) -> Finding {
    let [one, other] = ["one", "other"].map(|name| User::new(name).profile());
    subject.make_table(&["id"]).await;
    let table = subject.table();
    table.insert(&one).await.unwrap();
    subject.drop_table().await;
    subject.make_table(&["id"]).await;
    let results = all_inserted(&table.insert_batch(&[&other, &one]).await);
    Finding::documented(
        "2 × created; the table is right",
        format!("{results}; {}", whether_holds(subject, &[&one, &other]).await),
    )
}
