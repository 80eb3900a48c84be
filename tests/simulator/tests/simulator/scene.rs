//! Scenes: histories that are furnished by hand, and what is asked of them.

use std::time::Duration;

use simulator::people::{Sent, What};
use simulator::plan::{End, Life, Moment, Plan};
use simulator::trouble::{Happening, Kind, Operation, Trouble};
use simulator::{Report, run};
use worker::outcome::Outcome;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
/// Longer than any scene.
pub(crate) const ALWAYS: Duration = Duration::from_secs(1_000_000);

/// Somebody signs up.
pub(crate) const SIGN_UP: What = What::SignUp { story: 0 };

/// A scene; see [`Plan::empty`].
pub(crate) struct Scene(pub(crate) Plan);

impl Scene {
    pub(crate) fn new() -> Self {
        Self(Plan::empty())
    }

    /// So many users sign up, `apart` from each other, from `from` on.
    pub(crate) fn sign_ups(self, users: u64, from: Duration, apart: Duration) -> Self {
        (0..users).fold(self, |scene, user| {
            let at = from + apart * u32::try_from(user).unwrap();
            scene.send(at, user + 100 * scene_number(from), SIGN_UP)
        })
    }

    /// These users sign up, together.
    pub(crate) fn sign_ups_of(self, users: std::ops::Range<u64>, at: Duration) -> Self {
        users.fold(self, |scene, user| scene.send(at, user, SIGN_UP))
    }

    pub(crate) fn send(mut self, at: Duration, user: u64, what: What) -> Self {
        let nonce = self.0.messages.len() as u64;
        self.0.messages.push((at, Sent { nonce, user, what }));
        self
    }

    /// All calls of these operations end like this, from `from` to `to`.
    pub(crate) fn fault(self, from: Duration, to: Duration, operations: &[Operation], kind: Kind) -> Self {
        self.some(from, to, operations, kind, 1.0)
    }

    pub(crate) fn some(
        mut self,
        from: Duration,
        to: Duration,
        operations: &[Operation],
        kind: Kind,
        chance: f64,
    ) -> Self {
        let operations = operations.to_vec();
        self.0.troubles.push(Trouble::Fault { when: from..to, operations, kind, chance, worker: None });
        self
    }

    pub(crate) fn event(mut self, at: Duration, what: Happening) -> Self {
        self.0.troubles.push(Trouble::Event { at, what });
        self
    }

    pub(crate) fn set(mut self, set: impl FnOnce(&mut worker::pipeline::Settings)) -> Self {
        set(&mut self.0.settings);
        self
    }

    /// The first worker ends like this.
    pub(crate) fn ends(mut self, end: End) -> Self {
        self.0.lives[0].end = end;
        self
    }

    /// Is asked to stop after so long.
    pub(crate) fn stops(self, after: Duration) -> Self {
        self.ends(End::Stopped(Moment::After(after), None))
    }

    /// Another worker, from then on.
    pub(crate) fn joined(mut self, from: Duration, end: End) -> Self {
        self.0.lives.push(Life { from, end });
        self
    }

    /// Lives it, with a journal. Whatever else is asked, the promise is kept.
    #[track_caller]
    pub(crate) fn live(self) -> Report {
        let report = run(&self.0, true);
        assert!(report.violations.is_empty(), "{:#?}\n{}", report.violations, self.0);
        report
    }
}

/// Users of different crowds are different users.
fn scene_number(from: Duration) -> u64 {
    from.as_secs() + 1
}

/// How often the journal has exactly this line.
pub(crate) fn told(report: &Report, text: &str) -> usize {
    report.journal.iter().filter(|line| line.text == text).count()
}

/// Deliveries that ended like this, of all workers.
pub(crate) fn all(report: &Report, outcome: Outcome) -> u64 {
    report.lives.iter().map(|life| life.count(outcome)).sum()
}
