//! Several items by one BatchExecuteStatement of INSERTs: an answer for each inside the HTTP 200, and what one of them
//! does befalls no other.

use std::sync::Arc;

use domain::Profile;
use tokio::task::JoinSet;
use worker::ports::{MOST_INSERTS, ProfileTable};

use crate::finding::{Finding, all_inserted, listed};
use crate::inserting::whether_holds;
use crate::profiles::{User, crowd};
use crate::subject::Subject;

async fn insert(table: &impl ProfileTable, profiles: &[&Profile]) -> String {
    all_inserted(&table.insert_batch(profiles).await)
}

/// "Responses: the response to each PartiQL statement in the batch. The values of the list are ordered according to
/// the ordering of the request statements" (API_BatchExecuteStatement); at most 25.
pub(crate) async fn twenty_five_are_answered_in_order<S: Subject>(subject: &S) -> Finding {
    subject.make_table(&["id"]).await;
    let profiles = crowd(MOST_INSERTS);
    let table = subject.table();
    for present in [0, 7, 8, 24] {
        table.insert(&profiles[present]).await.unwrap();
    }
    let profiles: Vec<&Profile> = profiles.iter().collect();
    let results = table.insert_batch(&profiles).await;
    let results = listed(&results, |result| match all_inserted(&Ok(vec![result.clone()])) {
        word if word.starts_with("exists") => "exists".to_owned(),
        word => word,
    });
    Finding::documented(
        "exists, 6 × created, 2 × exists, 15 × created, exists; the table is right",
        format!("{results}; {}", whether_holds(subject, &profiles).await),
    )
}

/// An INSERT of an item that is there is DuplicateItem, of its statement alone (API_BatchStatementError; DynamoDB
/// developer guide, "PartiQL insert statements"). Whether ALL_OLD brings the item with it is documented for condition
/// checks, which this is or is not.
pub(crate) async fn a_duplicate_hurts_no_neighbour<S: Subject>(subject: &S) -> Finding {
    subject.make_table(&["id"]).await;
    let (before, user, after) = (User::new("before"), User::new("first"), User::new("after"));
    let (before, first, after) = (before.profile(), user.profile(), after.profile());
    let table = subject.table();
    table.insert(&first).await.unwrap();
    let results = insert(&table, &[&before, &user.with_name("second").profile(), &after]).await;
    let right = whether_holds(subject, &[&before, &first, &after]).await;
    Finding::left_open(
        [
            "created, exists: not told, created; the table is right",
            "created, exists: first, created; the table is right",
        ],
        format!("{results}; {right}"),
    )
}

/// Parameters of a statement are AttributeValues as in PutItem (API_BatchStatementRequest); names are quoted (DynamoDB
/// developer guide, "PartiQL reference").
pub(crate) async fn a_batch_writes_what_single_inserts_write<S: Subject>(subject: &S) -> Finding {
    subject.make_table(&["id"]).await;
    let [one, other] = ["one", "other"].map(|name| User::new(name).every_type());
    let results = insert(&subject.table(), &[&one, &other]).await;
    Finding::documented(
        "2 × created; the table is right",
        format!("{results}; {}", whether_holds(subject, &[&one, &other]).await),
    )
}

/// "Maximum number of 25 items" (API_BatchExecuteStatement, Statements).
pub(crate) async fn twenty_six_are_refused<S: Subject>(subject: &S) -> Finding {
    subject.make_table(&["id"]).await;
    let profiles = crowd(MOST_INSERTS + 1);
    let results = insert(&subject.table(), &profiles.iter().collect::<Vec<_>>()).await;
    Finding::documented(
        "the call is refused; the table is right",
        format!("{results}; {}", whether_holds(subject, &[]).await),
    )
}

/// "Minimum number of 1 item" (API_BatchExecuteStatement, Statements).
pub(crate) async fn none_at_all_are_refused<S: Subject>(subject: &S) -> Finding {
    subject.make_table(&["id"]).await;
    Finding::documented("the call is refused", insert(&subject.table(), &[]).await)
}

/// Not documented. Engines disagree, and therefore the worker folds keys before it sends; whatever an engine does, it
/// must not write the second over the first.
pub(crate) async fn the_same_key_twice<S: Subject>(subject: &S) -> Finding {
    subject.make_table(&["id"]).await;
    let first = User::new("first");
    let (first, second) = (first.profile(), first.with_name("second").profile());
    let results = insert(&subject.table(), &[&first, &second]).await;
    let right = match subject.items().await.as_slice() {
        [] => "no row",
        [row] if *row == first.item.to_dynamodb_json() => "the first one's row",
        _ => "another row",
    };
    Finding::left_open(
        [
            "the call is refused; no row",
            "created, exists: not told; the first one's row",
            "created, exists: first; the first one's row",
        ],
        format!("{results}; {right}"),
    )
}

/// "Error details for individual statements can be found under the Error field" (API_BatchExecuteStatement), of which
/// ValidationError is one. Here an item lacks an attribute of the table's key.
pub(crate) async fn a_bad_item_fails_alone<S: Subject>(subject: &S) -> Finding {
    subject.make_table(&["id", "account"]).await;
    let [before, after] = ["before", "after"].map(|name| User::new(name).two_part_key());
    let results = insert(&subject.table(), &[&before, &User::new("bad").profile(), &after]).await;
    Finding::documented(
        "created, refused, created; the table is right",
        format!("{results}; {}", whether_holds(subject, &[&before, &after]).await),
    )
}

/// An INSERT creates or fails, whoever else inserts (DynamoDB developer guide, "PartiQL insert statements").
pub(crate) async fn racing_batches_have_one_winner_each<S: Subject>(subject: &S) -> Finding {
    const WORKERS: usize = 4;
    subject.make_table(&["id"]).await;
    let profiles = Arc::new(crowd(MOST_INSERTS));
    let table = Arc::new(subject.table());
    let mut racing = JoinSet::new();
    for _ in 0..WORKERS {
        let (table, profiles) = (Arc::clone(&table), Arc::clone(&profiles));
        racing.spawn(async move { table.insert_batch(&profiles.iter().collect::<Vec<_>>()).await });
    }
    let results: Vec<_> = racing.join_all().await.into_iter().map(Result::unwrap).collect();
    let created = |place: usize| {
        results.iter().filter(|results| all_inserted(&Ok(vec![results[place].clone()])) == "created").count()
    };
    let won_once = (0..MOST_INSERTS).filter(|place| created(*place) == 1).count();
    let right = whether_holds(subject, &profiles.iter().collect::<Vec<_>>()).await;
    Finding::documented("25 won once; the table is right", format!("{won_once} won once; {right}"))
}

/// No size of a batch is documented for BatchExecuteStatement beyond that of its items. The worker splits what is
/// refused; an answer of another class would be tried again as it is.
pub(crate) async fn large_items_share_a_batch<S: Subject>(subject: &S) -> Finding {
    subject.make_table(&["id"]).await;
    // As large as a message's body may be.
    let large: Vec<_> = (0..MOST_INSERTS).map(|_| User::new("large").large(256 * 1024)).collect();
    let large: Vec<&Profile> = large.iter().collect();
    let results = insert(&subject.table(), &large).await;
    let expected: &[&Profile] = if results == "25 × created" { &large } else { &[] };
    Finding::left_open(
        ["25 × created; the table is right", "the call is refused; the table is right"],
        format!("{results}; {}", whether_holds(subject, expected).await),
    )
}
