//! Which of a user's rows becomes his row. The promise holds here too: what a user has edited is never lost to
//! another row. Must never choose between two rows that were both edited.

use std::collections::{BTreeMap, BTreeSet};

/// A row as far as choosing needs it. `V` is the value of an attribute, only ever compared.
pub(super) struct Candidate<V> {
    /// The values of its key.
    pub(super) key: Vec<String>,
    /// Every attribute besides the key.
    pub(super) attributes: BTreeMap<String, V>,
    /// `createdAt` and `updatedAt`; a row without either was made by hand.
    pub(super) times: Option<(String, String)>,
}

impl<V> Candidate<V> {
    /// AppSync writes both times alike when a row is made, and a new `updatedAt` with each edit.
    fn is_edited(&self) -> bool {
        self.times.as_ref().is_some_and(|(created, updated)| created != updated)
    }
}

/// What is to become of one user's rows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// This row, by its place, becomes his row, or is it already; the others are deleted.
    Keep {
        /// Its place.
        place: usize,
        /// Attributes in which the others differ from it.
        differences: BTreeSet<String>,
    },
    /// A person has to look.
    LeaveAlone(Why),
}

/// Why a user's rows are left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Why {
    /// More than one was edited.
    EditedTwice,
    /// One has no createdAt or updatedAt.
    Malformed,
    /// More than one transaction can hold.
    TooMany,
    /// A row under the user's key belongs to somebody else.
    OwnerConflict,
    /// It holds a type this program does not know, and could not be backed up.
    UnknownType,
}

impl Why {
    /// The stable name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::EditedTwice => "edited_twice",
            Self::Malformed => "malformed",
            Self::TooMany => "too_many",
            Self::OwnerConflict => "owner_conflict",
            Self::UnknownType => "unknown_type",
        }
    }
}

/// Actions in one TransactWriteItems (DynamoDB API reference).
pub(super) const MOST_ACTIONS: usize = 100;

/// Times differ whatever the rows say.
const TIMES: [&str; 2] = ["createdAt", "updatedAt"];

/// Chooses: the row its user edited; of none edited, the oldest.
pub(super) fn choose<V: PartialEq>(rows: &[Candidate<V>]) -> Plan {
    if rows.len() >= MOST_ACTIONS {
        return Plan::LeaveAlone(Why::TooMany);
    }
    if rows.iter().any(|row| row.times.is_none()) {
        return Plan::LeaveAlone(Why::Malformed);
    }
    let edited: Vec<usize> =
        rows.iter().enumerate().filter(|(_, row)| row.is_edited()).map(|(place, _)| place).collect();
    // One width of time, so that text sorts as time does; the key decides between equals, for every run alike.
    let oldest = || {
        let age = |(_, row): &(usize, &Candidate<V>)| {
            (row.times.as_ref().map(|(created, _)| created.clone()), row.key.clone())
        };
        rows.iter().enumerate().min_by_key(age).map(|(place, _)| place)
    };
    let place = match edited.as_slice() {
        [] => oldest(),
        [one] => Some(*one),
        _ => return Plan::LeaveAlone(Why::EditedTwice),
    };
    let Some((place, kept)) = place.and_then(|place| Some((place, rows.get(place)?))) else {
        return Plan::LeaveAlone(Why::Malformed);
    };
    let names = rows.iter().flat_map(|row| row.attributes.keys());
    let differences = names
        .filter(|name| !TIMES.contains(&name.as_str()))
        .filter(|name| rows.iter().any(|row| row.attributes.get(*name) != kept.attributes.get(*name)))
        .cloned()
        .collect();
    Plan::Keep { place, differences }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(key: &str, created: u32, updated: u32, email: &str) -> Candidate<String> {
        let time = |day: u32| format!("2026-01-{day:02}T00:00:00.000Z");
        Candidate {
            key: vec![key.into()],
            attributes: [
                ("email".into(), email.into()),
                ("createdAt".into(), time(created)),
                ("updatedAt".into(), time(updated)),
            ]
            .into(),
            times: Some((time(created), time(updated))),
        }
    }

    fn kept(rows: &[Candidate<String>]) -> (usize, Vec<String>) {
        match choose(rows) {
            Plan::Keep { place, differences } => (place, differences.into_iter().collect()),
            Plan::LeaveAlone(why) => panic!("{why:?}"),
        }
    }

    #[test]
    fn the_oldest_is_kept_and_differences_are_told_but_for_the_times() {
        let rows = [row("c", 3, 3, "x"), row("b", 2, 2, "x"), row("d", 4, 4, "x")];
        assert_eq!(kept(&rows), (1, vec![]));
        let rows = [row("c", 3, 3, "x"), row("b", 2, 2, "y")];
        assert_eq!(kept(&rows), (1, vec!["email".to_owned()]));
        let rows = [row("b", 2, 2, "x"), row("a", 2, 2, "x")];
        assert_eq!(kept(&rows).0, 1, "of the same age the first key");
    }

    #[test]
    fn what_was_edited_is_kept_whatever_its_age_and_two_edits_are_a_persons_business() {
        assert_eq!(kept(&[row("a", 1, 1, "x"), row("b", 9, 10, "y")]).0, 1);
        let both = [row("a", 1, 2, "x"), row("b", 9, 10, "y"), row("c", 3, 3, "z")];
        assert_eq!(choose(&both), Plan::LeaveAlone(Why::EditedTwice));
    }

    #[test]
    fn an_attribute_that_only_another_has_is_a_difference() {
        let mut rows = [row("a", 1, 1, "x"), row("b", 2, 2, "x")];
        rows[1].attributes.insert("nickname".into(), "n".into());
        assert_eq!(kept(&rows), (0, vec!["nickname".to_owned()]));
    }

    #[test]
    fn rows_without_times_and_crowds_are_left_alone() {
        let mut rows = [row("a", 1, 1, "x"), row("b", 2, 2, "x")];
        rows[1].times = None;
        assert_eq!(choose(&rows), Plan::LeaveAlone(Why::Malformed));
        let crowd: Vec<_> = (0..100).map(|n| row(&n.to_string(), 1, 1, "x")).collect();
        assert_eq!(choose(&crowd), Plan::LeaveAlone(Why::TooMany));
        assert!(matches!(choose(&crowd[..99]), Plan::Keep { .. }));
        assert_eq!(choose::<String>(&[]), Plan::LeaveAlone(Why::Malformed));
    }

    proptest! {
        /// Whatever the order in which the table gives them, the same row is kept; and no edited row is ever lost.
        #[test]
        fn the_choice_is_the_rows_own(
            times in prop::collection::vec((1_u32..5, 0_u32..3), 1..6),
            turn in 0_usize..6,
        ) {
            let rows = |turn: usize| {
                let mut rows: Vec<_> = times
                    .iter()
                    .enumerate()
                    .map(|(n, (created, later))| row(&n.to_string(), *created, created + later, "x"))
                    .collect();
                rows.rotate_left(turn % times.len());
                rows
            };
            let (plain, turned) = (rows(0), rows(turn));
            match (choose(&plain), choose(&turned)) {
                (Plan::Keep { place, .. }, Plan::Keep { place: other, .. }) => {
                    prop_assert_eq!(&plain[place].key, &turned[other].key);
                    let lost = plain.iter().enumerate().any(|(n, row)| n != place && row.is_edited());
                    prop_assert!(!lost, "an edit is lost");
                }
                (one, other) => prop_assert_eq!(one, other),
            }
        }
    }
}
