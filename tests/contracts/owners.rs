//! Whose the rows are, by BatchGetItem: asked when an INSERT has only said that there is one.

use domain::{Item, Profile, ProfileKey};
use worker::ports::{MOST_INSERTS, MOST_KEYS, ProfileTable};

use crate::finding::{Finding, listed, owner};
use crate::profiles::{User, crowd};
use crate::subject::Subject;

async fn owners(table: &impl ProfileTable, profiles: &[&Profile]) -> String {
    let keys: Vec<&ProfileKey> = profiles.iter().map(|profile| &profile.key).collect();
    listed(&table.owners(&keys).await, owner)
}

/// "DynamoDB does not return items in any particular order"; "if a requested item does not exist, it is not returned"
/// (API_BatchGetItem). The port puts them in order and knows which are gone.
pub(crate) async fn owners_come_in_the_order_of_the_keys<S: Subject>(subject: &S) -> Finding {
    subject.make_table(&["id"]).await;
    let users = ["ana", "gone", "nobody", "ben"].map(User::new);
    let table = subject.table();
    // In another order than they are asked for.
    for profile in [users[3].profile(), users[2].ownerless(), users[0].profile()] {
        table.insert(&profile).await.unwrap();
    }
    let profiles = users.map(|user| user.profile());
    Finding::documented(
        "ana, gone, no owner, ben",
        owners(&table, &profiles.iter().collect::<Vec<_>>()).await,
    )
}

/// "As many as 100 items" (API_BatchGetItem), strongly consistent when asked so.
pub(crate) async fn a_hundred_keys_are_read_at_once<S: Subject>(subject: &S) -> Finding {
    subject.make_table(&["id"]).await;
    let profiles = crowd(MOST_KEYS);
    let profiles: Vec<&Profile> = profiles.iter().collect();
    let table = subject.table();
    let there: Vec<&Profile> = profiles.iter().copied().step_by(2).collect();
    for some in there.chunks(MOST_INSERTS) {
        table.insert_batch(some).await.unwrap();
    }
    let found = owners(&table, &profiles).await;
    let expected: Vec<String> =
        (0..MOST_KEYS).map(|n| if n % 2 == 0 { format!("user-{n}") } else { "gone".to_owned() }).collect();
    let right = if found == expected.join(", ") { "100 right".to_owned() } else { found };
    Finding::documented("100 right", right)
}

/// "If you request more than 100 items, BatchGetItem returns a ValidationException" (API_BatchGetItem).
pub(crate) async fn a_hundred_and_one_keys_are_refused<S: Subject>(subject: &S) -> Finding {
    subject.make_table(&["id"]).await;
    let profiles = crowd(MOST_KEYS + 1);
    Finding::documented(
        "the call is refused",
        owners(&subject.table(), &profiles.iter().collect::<Vec<_>>()).await,
    )
}

/// "BatchGetItem will result in a ValidationException if the same key is specified multiple times"
/// (API_BatchGetItem).
pub(crate) async fn the_same_key_twice_is_refused<S: Subject>(subject: &S) -> Finding {
    subject.make_table(&["id"]).await;
    let profile = User::new("ana").profile();
    Finding::documented("the call is refused", owners(&subject.table(), &[&profile, &profile]).await)
}

/// "A single operation can retrieve up to 16 MB of data … BatchGetItem returns a partial result if the response size
/// limit is exceeded" (API_BatchGetItem), and a projection does not make an item smaller in that count. The port asks
/// again for what is missing.
pub(crate) async fn rows_too_large_for_one_answer_are_all_read<S: Subject>(subject: &S) -> Finding {
    const ROWS: usize = 45;
    subject.make_table(&["id"]).await;
    let large: Vec<_> = (0..ROWS).map(|_| User::new("ana").large(Item::MAX_BYTES - 1024)).collect();
    let table = subject.table();
    for profile in &large {
        table.insert(profile).await.unwrap();
    }
    Finding::documented(format!("{ROWS} × ana"), owners(&table, &large.iter().collect::<Vec<_>>()).await)
}
