//! One history's world: the queue, the table, what goes wrong at this moment, and a record of all of it.
//! Everything random comes from one seed, and is asked for in the order of the calls, so that a seed is
//! a history.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use domain::ProfileKey;
use tokio::time::{Instant, sleep_until};

use crate::model::{Queue, Rules, Table};
use crate::people::{Sent, profile_of};
use crate::trouble::{Happening, Kind, Operation, Trouble};

/// The world; clones are the same one.
#[derive(Clone)]
pub struct World {
    state: Arc<Mutex<State>>,
    begun: Instant,
}

/// What a line of the journal is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// Everybody.
    All,
    /// These messages.
    Messages(Vec<u64>),
    /// These users, whichever of their messages it is.
    Users(Vec<u64>),
}

/// One line of the journal.
#[derive(Debug, Clone)]
pub struct Line {
    /// Since the beginning.
    pub at: Duration,
    /// Who did it; nobody for what happens by itself.
    pub worker: Option<usize>,
    /// Whom it is about.
    pub about: About,
    /// What was done.
    pub text: String,
}

/// The parts. Locked for a moment at a time, never across an await.
pub struct State {
    /// SQS.
    pub queue: Queue,
    /// DynamoDB.
    pub table: Table,
    /// When the history began.
    pub begun: Instant,
    /// From now on nothing goes wrong any more.
    pub calm: bool,
    /// What must not have happened.
    pub violations: Vec<String>,
    /// How often each kind of fault has struck.
    pub struck: BTreeMap<&'static str, u64>,
    /// What was sent, by message.
    pub sent: BTreeMap<u64, Sent>,
    /// Whether nothing more will be sent.
    pub is_all_sent: bool,
    /// Deleted messages that are about to be there again.
    pub returning: usize,
    users: BTreeMap<Vec<u8>, u64>,
    journal: Option<Vec<Line>>,
    digest: DefaultHasher,
    dice: fastrand::Rng,
    troubles: Vec<(Trouble, fastrand::Rng)>,
}

impl World {
    /// An empty queue and an empty table, with this trouble ahead. `records` says whether a journal is
    /// kept.
    pub fn new(seed: u64, troubles: &[Trouble], records: bool) -> Self {
        let own_dice = |trouble: &Trouble| {
            // By what it is, not by its place: leaving others out changes nothing in it.
            let mut hasher = DefaultHasher::new();
            (seed, trouble.to_string()).hash(&mut hasher);
            (trouble.clone(), fastrand::Rng::with_seed(hasher.finish()))
        };
        let begun = Instant::now();
        let state = State {
            queue: Queue::new(Rules::default()),
            table: Table::default(),
            begun,
            calm: false,
            violations: Vec::new(),
            struck: BTreeMap::new(),
            sent: BTreeMap::new(),
            is_all_sent: false,
            returning: 0,
            users: BTreeMap::new(),
            journal: records.then(Vec::new),
            digest: DefaultHasher::new(),
            dice: fastrand::Rng::with_seed(seed),
            troubles: troubles.iter().map(own_dice).collect(),
        };
        Self { state: Arc::new(Mutex::new(state)), begun }
    }

    /// Since the history began.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Waits until so long after the beginning.
    pub async fn wait_until(&self, at: Duration) {
        // Also when that is now, a sleep would let others go first.
        if at > self.elapsed() {
            sleep_until(self.begun + at).await;
        }
    }

    /// The parts, for a moment.
    pub fn state(&self) -> MutexGuard<'_, State> {
        // A test that panics with the lock held has failed already; its message is the first one.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Makes the troubles happen that are no faults of calls, each at its time.
    pub async fn live(self) {
        let mut events: Vec<(Duration, Happening, bool)> = Vec::new();
        for (trouble, _) in &self.state().troubles {
            if let Trouble::Event { at, what } = trouble {
                events.push((*at, *what, true));
                if trouble.ends() > *at && !matches!(what, Happening::Stall(_)) {
                    events.push((trouble.ends(), *what, false));
                }
            }
        }
        events.sort_by_key(|(at, _, begins)| (*at, *begins));
        for (at, what, begins) in events {
            self.wait_until(at).await;
            if self.state().calm {
                return;
            }
            self.state().happen(what, begins);
            if let Happening::Stall(lasts) = what {
                tokio::time::advance(lasts).await;
            }
        }
    }
}

impl State {
    fn happen(&mut self, what: Happening, begins: bool) {
        self.note(None, About::All, || format!("{what:?}{}", if begins { "" } else { " is over" }));
        *self.struck.entry(name_of_event(what)).or_default() += u64::from(begins);
        match what {
            // Of time itself.
            Happening::Stall(_) => {}
            Happening::TableMissing(_) => self.table.missing = begins,
            Happening::WrongKey(_) => self.table.wrong_key = begins,
            Happening::Edit(user) => self.table.edit(&profile_of(user).key),
            Happening::Remove(user) => self.table.remove(&profile_of(user).key),
            Happening::Squat(user) => self.table.squat(&profile_of(user), Some("somebody else")),
            Happening::Ownerless(user) => self.table.squat(&profile_of(user), None),
            Happening::Refuse(user) => self.table.refuse(&profile_of(user).key),
        }
    }

    /// From now on everything works.
    pub fn calm_down(&mut self) {
        self.calm = true;
        self.table.missing = false;
        self.table.wrong_key = false;
        self.note(None, About::All, || "from now on nothing goes wrong".to_owned());
    }

    /// The first fault that strikes this call, if any does.
    pub fn strikes(
        &mut self,
        operation: Operation,
        worker: usize,
        is_meant: fn(Kind) -> bool,
    ) -> Option<Kind> {
        if self.calm {
            return None;
        }
        let elapsed = self.begun.elapsed();
        for (trouble, dice) in &mut self.troubles {
            let Trouble::Fault { when, operations, kind, chance, worker: whose } = trouble else { continue };
            if when.contains(&elapsed)
                && is_meant(*kind)
                && operations.contains(&operation)
                && whose.is_none_or(|whose| whose == worker)
                && dice.f64() < *chance
            {
                *self.struck.entry(name_of(*kind)).or_default() += 1;
                return Some(*kind);
            }
        }
        None
    }

    /// A number below `below`.
    pub fn roll(&mut self, below: u64) -> u64 {
        self.dice.u64(0..below.max(1))
    }

    /// Whether a chance of so many in one comes true.
    pub fn chance(&mut self, of_one: f64) -> bool {
        self.dice.f64() < of_one
    }

    /// Something that must not happen has happened.
    pub fn violated(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.note(None, About::All, || format!("VIOLATION: {text}"));
        self.violations.push(text);
    }

    /// A line for the journal, if one is kept.
    pub fn note(&mut self, worker: Option<usize>, about: About, text: impl FnOnce() -> String) {
        let at = self.begun.elapsed();
        if let Some(journal) = &mut self.journal {
            journal.push(Line { at, worker, about, text: text() });
        }
    }

    /// A step of the history, for [`Self::digest`].
    pub fn step(&mut self, step: impl Hash) {
        (self.begun.elapsed(), step).hash(&mut self.digest);
    }

    /// One number for all that was done and when: equal for equal histories.
    pub fn digest(&self) -> u64 {
        self.digest.finish()
    }

    /// The journal.
    pub fn journal(&self) -> &[Line] {
        self.journal.as_deref().unwrap_or_default()
    }

    /// Remembers whose key this is, for the journal.
    pub fn know(&mut self, user: u64, key: &ProfileKey) {
        self.users.insert(bytes_of(key), user);
    }

    /// Whose key this is, in the table's own form.
    pub fn user_of(&self, key: &[(String, String)]) -> Option<u64> {
        let bytes: Vec<u8> = key.iter().flat_map(|(_, value)| value.bytes().chain([0])).collect();
        self.users.get(&bytes).copied()
    }

    /// Whose keys these are.
    pub fn users_of<'a>(&self, keys: impl Iterator<Item = &'a ProfileKey>) -> Vec<u64> {
        keys.filter_map(|key| self.users.get(&bytes_of(key)).copied()).collect()
    }
}

fn bytes_of(key: &ProfileKey) -> Vec<u8> {
    key.iter().flat_map(|(_, value)| value.bytes().chain([0])).collect()
}

const fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Error(_) => "error",
        Kind::AnswerLost => "answer lost",
        Kind::Unheard => "unheard",
        Kind::Late => "late",
        Kind::Slow(_) => "slow",
        Kind::Entries(_) => "entries failed",
        Kind::Short => "short answer",
        Kind::Forgotten => "delete forgotten",
        Kind::Twice => "delivered twice",
    }
}

const fn name_of_event(what: Happening) -> &'static str {
    match what {
        Happening::Stall(_) => "stall",
        Happening::TableMissing(_) => "table missing",
        Happening::WrongKey(_) => "wrong key",
        Happening::Edit(_) => "edit",
        Happening::Remove(_) => "remove",
        Happening::Squat(_) => "squat",
        Happening::Ownerless(_) => "row without an owner",
        Happening::Refuse(_) => "item refused",
    }
}
