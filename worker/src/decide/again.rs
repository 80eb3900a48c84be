//! Items whose write failed and that will be written again: when, and with whom? Each waits for its own
//! time; when the first comes to it, those go along that would soon have come to theirs, so that what was
//! throttled in twenty calls is not twenty calls more.
//!
//! Must never forget an item, nor bring two of one key into one call.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::fold::{Fold, Group};

/// Items that wait for their next attempt.
#[derive(Debug)]
pub struct Again<M> {
    most: usize,
    early: Duration,
    /// By the time of the attempt, then by arrival.
    waiting: BTreeMap<(Instant, u64), Waiting<M>>,
    arrived: u64,
}

#[derive(Debug)]
struct Waiting<M> {
    group: Group<M>,
    alone: bool,
}

impl<M> Again<M> {
    /// At most `most` go together, nobody earlier than his time by more than `early`.
    pub fn new(most: usize, early: Duration) -> Self {
        Self { most: most.max(1), early, waiting: BTreeMap::new(), arrived: 0 }
    }

    /// An item to be written at `at`, with others unless it is to be `alone`.
    pub fn push(&mut self, at: Instant, group: Group<M>, alone: bool) {
        self.waiting.insert((at, self.arrived), Waiting { group, alone });
        self.arrived += 1;
    }

    /// When [`Self::due`] wants to be called.
    pub fn next(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|((at, _), _)| *at)
    }

    /// Items to be written in one call now; there may be more.
    pub fn due(&mut self, now: Instant) -> Option<Vec<Group<M>>> {
        let first = self.waiting.first_entry().filter(|first| first.key().0 <= now)?;
        if first.get().alone {
            return Some(vec![first.remove().group]);
        }
        let (mut together, mut left) = (Fold::default(), BTreeMap::new());
        while together.len() < self.most
            && let Some(next) = self.waiting.first_entry().filter(|next| next.key().0 <= now + self.early)
        {
            let (place, Waiting { group, alone }) = next.remove_entry();
            let apart = if alone { Some(group) } else { together.push(group) };
            if let Some(group) = apart {
                left.insert(place, Waiting { group, alone });
            }
        }
        self.waiting.append(&mut left);
        Some(together.into_groups())
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::fixture::profile;
    use proptest::prelude::*;

    const EARLY: Duration = Duration::from_millis(25);

    fn group(user: usize, member: usize) -> Group<usize> {
        Group { profile: profile(user), members: vec![member] }
    }

    fn members(groups: Option<Vec<Group<usize>>>) -> Vec<usize> {
        groups.into_iter().flatten().flat_map(|group| group.members).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn who_would_soon_have_gone_goes_with_the_first_and_the_others_keep_their_time() {
        let (now, ms) = (Instant::now(), Duration::from_millis);
        let mut again = Again::new(3, EARLY);
        for (nth, after) in [80, 30, 55, 56, 40, 45].into_iter().enumerate() {
            again.push(now + ms(after), group(nth, nth), false);
        }
        assert!(again.due(now + ms(29)).is_none());
        assert_eq!(again.next(), Some(now + ms(30)));
        assert_eq!(members(again.due(now + ms(30))), [1, 4, 5], "the first three of those within 25 ms");
        assert!(again.due(now + ms(30)).is_none());
        assert_eq!(again.next(), Some(now + ms(55)));
        assert_eq!(members(again.due(now + ms(55))), [2, 3, 0]);
        assert!(again.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_to_go_alone_does() {
        let now = Instant::now();
        let mut again = Again::new(25, EARLY);
        again.push(now, group(1, 1), false);
        again.push(now, group(2, 2), true);
        again.push(now, group(3, 3), false);
        assert_eq!(members(again.due(now)), [1, 3]);
        assert_eq!(members(again.due(now)), [2]);
        assert!(again.due(now).is_none() && again.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_owners_of_one_key_the_second_goes_in_the_next_call() {
        let now = Instant::now();
        let mut again = Again::new(25, EARLY);
        let mut other = group(1, 2);
        other.profile.owner = None;
        again.push(now, group(1, 1), false);
        again.push(now, other, false);
        again.push(now, group(1, 3), false);
        assert_eq!(members(again.due(now)), [1, 3]);
        assert_eq!(members(again.due(now)), [2]);
    }

    proptest! {
        #[test]
        fn nothing_is_forgotten_doubled_overfull_or_too_early(
            most in 1..6_usize,
            pushed in prop::collection::vec((0..200_u64, 0..8_usize, prop::bool::weighted(0.2)), 0..60),
        ) {
            let begun = Instant::now();
            let mut again = Again::new(most, EARLY);
            for (nth, (after, user, alone)) in pushed.iter().enumerate() {
                again.push(begun + Duration::from_millis(*after), group(*user, nth), *alone);
            }
            let mut out = Vec::new();
            while let Some(now) = again.next() {
                let groups = again.due(now).unwrap();
                prop_assert!(groups.len() <= most);
                let keys: std::collections::HashSet<_> = groups.iter().map(|group| &group.profile.key).collect();
                prop_assert_eq!(keys.len(), groups.len(), "a key twice in one call");
                for member in groups.iter().flat_map(|group| &group.members) {
                    let (after, _, alone) = pushed[*member];
                    prop_assert!(begun + Duration::from_millis(after) <= now + EARLY);
                    prop_assert!(!alone || groups.len() == 1 && groups[0].members.len() == 1);
                    out.push(*member);
                }
            }
            prop_assert!(again.is_empty());
            out.sort_unstable();
            prop_assert_eq!(out, (0..pushed.len()).collect::<Vec<_>>());
        }
    }
}
