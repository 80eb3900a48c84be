//! When is a batch ready? When it is full, when its oldest member has waited long enough, or when
//! nothing more is coming. A state machine in the idiom of quinn-proto: time comes in as an argument.

use std::mem;
use std::time::Duration;

use domain::Profile;
use tokio::time::Instant;

use super::fold::{Fold, Group};

/// Whether a message is to be written by itself: one that came back this often may be what fails the
/// calls it shares, or the process.
pub fn is_suspect(receive_count: u32) -> bool {
    receive_count > 5
}

/// Collects writes into batches of distinct keys.
#[derive(Debug)]
pub struct Batcher<M> {
    max: usize,
    linger: Duration,
    fold: Fold<M>,
    deadline: Option<Instant>,
}

impl<M> Batcher<M> {
    /// Batches of at most `max` distinct keys, whose oldest member waits at most `linger`.
    pub fn new(max: usize, linger: Duration) -> Self {
        Self { max: max.max(1), linger, fold: Fold::default(), deadline: None }
    }

    /// Adds one write; returns a batch when this one filled it, or could not join it.
    pub fn push(&mut self, now: Instant, profile: Profile, member: M) -> Option<Vec<Group<M>>> {
        let ready = match self.fold.push(Group { profile, members: vec![member] }) {
            None => None,
            Some(group) => {
                let ready = self.flush();
                let _nobody = self.fold.push(group);
                ready
            }
        };
        if self.deadline.is_none() {
            self.deadline = Some(now + self.linger);
        }
        if ready.is_none() && self.fold.len() >= self.max { self.flush() } else { ready }
    }

    /// The batch whose time has come, if it has.
    pub fn on_timeout(&mut self, now: Instant) -> Option<Vec<Group<M>>> {
        if self.deadline.is_some_and(|deadline| deadline <= now) { self.flush() } else { None }
    }

    /// When [`Self::on_timeout`] wants to be called.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whatever there is, at once.
    pub fn flush(&mut self) -> Option<Vec<Group<M>>> {
        self.deadline = None;
        if self.fold.is_empty() { None } else { Some(mem::take(&mut self.fold).into_groups()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{ProfileModel, Timestamp, body};
    use proptest::prelude::*;

    const LINGER: Duration = Duration::from_millis(50);

    fn profile(user: u8, owner: u8) -> Profile {
        let text = format!(
            r#"{{"v":1,"kind":"user.confirmed","source":"reconcile","userPoolId":"eu_A1",
                "sub":"00000000-0000-0000-0000-0000000000{user:02x}","username":"u{owner}",
                "observedAt":"2026-11-22T20:05:38.123Z"}}"#
        );
        let received = body::read(&text, Timestamp::from_epoch_ms(0).unwrap(), |_| false).unwrap();
        ProfileModel::default().profile(&received.confirmation).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_member_waits_no_longer_than_the_linger() {
        let start = Instant::now();
        let mut batcher = Batcher::new(25, LINGER);
        assert!(batcher.push(start, profile(1, 1), ()).is_none());
        assert!(batcher.push(start + LINGER / 2, profile(2, 1), ()).is_none());
        assert_eq!(batcher.next_deadline(), Some(start + LINGER));
        assert!(batcher.on_timeout(start + LINGER - Duration::from_millis(1)).is_none());
        assert_eq!(batcher.on_timeout(start + LINGER).unwrap().len(), 2);
        assert_eq!(batcher.next_deadline(), None);
        assert!(batcher.flush().is_none());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Push { user: u8, owner: u8 },
        Wait { ms: u64 },
        Flush,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            8 => (0..12_u8, 0..2_u8).prop_map(|(user, owner)| Step::Push { user, owner }),
            2 => (0..80_u64).prop_map(|ms| Step::Wait { ms }),
            1 => Just(Step::Flush),
        ];
        prop::collection::vec(step, 0..200)
    }

    proptest! {
        #[test]
        fn nothing_is_lost_doubled_overfull_or_late(steps in steps(), max in 1..8_usize) {
            let mut now = Instant::now();
            let mut batcher = Batcher::new(max, LINGER);
            let mut pushed = 0_usize;
            let mut out: Vec<usize> = Vec::new();
            let mut check = |batch: Vec<Group<(usize, Instant, Profile)>>, now: Instant| {
                assert!(batch.len() <= max, "{} keys in a batch of {max}", batch.len());
                let mut keys: Vec<_> = batch.iter().map(|group| group.profile.key.clone()).collect();
                let distinct: std::collections::HashSet<_> = keys.drain(..).collect();
                assert_eq!(distinct.len(), batch.len(), "a key twice in one batch");
                for group in batch {
                    for (id, since, profile) in group.members {
                        assert_eq!((&profile.key, &profile.owner), (&group.profile.key, &group.profile.owner));
                        assert!(now - since <= LINGER, "a member waited {:?}", now - since);
                        out.push(id);
                    }
                }
            };
            for step in steps {
                match step {
                    Step::Push { user, owner } => {
                        let profile = profile(user, owner);
                        let ready = batcher.push(now, profile.clone(), (pushed, now, profile));
                        pushed += 1;
                        if let Some(batch) = ready { check(batch, now); }
                    }
                    Step::Wait { ms } => {
                        let until = now + Duration::from_millis(ms);
                        while let Some(deadline) = batcher.next_deadline().filter(|deadline| *deadline <= until) {
                            now = deadline;
                            if let Some(batch) = batcher.on_timeout(now) { check(batch, now); }
                        }
                        now = until;
                    }
                    Step::Flush => if let Some(batch) = batcher.flush() { check(batch, now); },
                }
            }
            if let Some(batch) = batcher.flush() { check(batch, now); }
            out.sort_unstable();
            prop_assert_eq!(out, (0..pushed).collect::<Vec<_>>());
        }
    }
}
