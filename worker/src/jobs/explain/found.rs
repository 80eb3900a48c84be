//! What was found of one user in each place, and what a row under his key is worth. Decided from what was read,
//! without reading anything.

use domain::{Owner, ProfileModel, Rejection, UserSub};

use crate::aws::row::WholeRow;
use crate::ports::UserStatus;
use crate::telemetry::Cause;

/// What the user pool says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Account {
    /// No pool was named.
    NotAsked,
    /// The role may not ask.
    Denied,
    /// There is no such user.
    Absent,
    /// There is.
    Present {
        /// Where he stands.
        status: UserStatus,
        /// Whether he may sign in.
        enabled: bool,
    },
}

/// Whose the row under his key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// His, or the model has no owners.
    His,
    /// Nobody's: it names no owner.
    Nobodys,
    /// Somebody else's.
    Anothers,
    /// His user name would tell, and is not known.
    Unknown,
}

/// What lies under his key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Row {
    /// Which key is his cannot be told without his user name, or his pool.
    KeyUnknown,
    /// The model has no key for such a user.
    NoKey(Rejection),
    /// The role may not ask.
    Denied,
    /// Nothing.
    Absent,
    /// A row.
    Present {
        /// Whose.
        whose: Whose,
        /// Attributes that AppSync needs and it has not.
        lacks: Vec<String>,
    },
}

/// What lies under other keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Elsewhere {
    /// Nobody looked: it takes a scan.
    NotLooked,
    /// So many rows of his.
    Rows(u64),
}

/// What lies in the dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Dead {
    /// There is no such queue.
    NoQueue,
    /// The role may not ask.
    Denied,
    /// No message of his, as far as was seen.
    None,
    /// His, for this reason; the newest of them.
    Message(Cause),
}

/// Whether an owner attribute names this user.
pub(super) fn whose(stored: &str, sub: &UserSub, owner: Option<&Owner>) -> Whose {
    let by_sub =
        stored.strip_prefix(sub.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    match owner {
        Some(owner) if owner.is(stored) => Whose::His,
        Some(_) => Whose::Anothers,
        None if by_sub => Whose::His,
        None => Whose::Unknown,
    }
}

/// What a row under his key is worth. `owner` is known only of a user whom the pool knows.
pub(super) fn judge(row: &WholeRow, model: &ProfileModel, sub: &UserSub, owner: Option<&Owner>) -> Row {
    let text = |name: &str| row.get(name).and_then(|value| value.get("S")?.as_str());
    let whose = match model.owner_attribute().map(text) {
        None => Whose::His,
        Some(None | Some("")) => Whose::Nobodys,
        Some(Some(stored)) => whose(stored, sub, owner),
    };
    let needed = ["__typename", "createdAt", "updatedAt"].into_iter().chain(model.owner_attribute());
    let lacks = needed.filter(|name| text(name).is_none_or(str::is_empty)).map(str::to_owned).collect();
    Row::Present { whose, lacks }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::fixture;

    const SUB: &str = "00000000-0000-0000-0000-000000000007";

    fn row(owner: Option<&str>, without: &[&str]) -> WholeRow {
        let mut row: WholeRow = ["__typename", "createdAt", "updatedAt", "email"]
            .into_iter()
            .filter(|name| !without.contains(name))
            .map(|name| (name.to_owned(), serde_json::json!({"S": "text"})))
            .collect();
        if let Some(owner) = owner {
            row.insert("profileOwner".to_owned(), serde_json::json!({"S": owner}));
        }
        row
    }

    fn judged(owner: Option<&str>, without: &[&str], known: bool) -> (Whose, Vec<String>) {
        let owner_of_his = fixture::profile(7).owner;
        let sub = UserSub::parse(SUB).unwrap();
        let model = ProfileModel::default();
        match judge(&row(owner, without), &model, &sub, owner_of_his.as_ref().filter(|_| known)) {
            Row::Present { whose, lacks } => (whose, lacks),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn whose_it_is_takes_the_name_where_the_sub_does_not_tell() {
        let both = format!("{SUB}::u7");
        for (owner, known, unknown) in [
            (both.as_str(), Whose::His, Whose::His),
            (SUB, Whose::His, Whose::His),
            ("u7", Whose::His, Whose::Unknown),
            ("eve", Whose::Anothers, Whose::Unknown),
            (&format!("{SUB}x"), Whose::Anothers, Whose::Unknown),
            (&format!("{SUB}::eve"), Whose::Anothers, Whose::His),
        ] {
            let seen = (judged(Some(owner), &[], true).0, judged(Some(owner), &[], false).0);
            assert_eq!(seen, (known, unknown), "{owner}");
        }
        assert_eq!(judged(None, &[], true), (Whose::Nobodys, vec!["profileOwner".to_owned()]));
    }

    #[test]
    fn what_appsync_needs_is_named_where_it_is_lacking() {
        assert_eq!(judged(Some(SUB), &["email"], true).1, [""; 0]);
        assert_eq!(judged(Some(SUB), &["createdAt", "updatedAt"], true).1, ["createdAt", "updatedAt"]);
        assert_eq!(judged(None, &["__typename"], true).1, ["__typename", "profileOwner"]);
    }
}
