//! A standard queue for millions of messages: those that nobody has received yet are a range of numbers, those that
//! were deleted are nothing at all. It answers as [`crate::model::Queue`] does, and knows one rule more, the quota of
//! messages in flight (SQS developer guide, "Amazon SQS standard queue quotas").
//!
//! Less than that model: no delay at sending, and what expires while it is in flight does so when it would be
//! visible again.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use crate::model::{LONGEST, Rules};

/// "Approximately 120,000" messages in flight.
pub const IN_FLIGHT_QUOTA: usize = 120_000;

/// Which receive of which message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The message.
    pub message: u64,
    /// Its receive, from 1.
    pub receive: u32,
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.message, self.receive)
    }
}

impl FromStr for Receipt {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let (message, receive) = text.split_once(':').ok_or("ReceiptHandleIsInvalid")?;
        let number = |text: &str| text.parse::<u64>().map_err(|_| "ReceiptHandleIsInvalid");
        let receive = u32::try_from(number(receive)?).map_err(|_| "ReceiptHandleIsInvalid")?;
        Ok(Self { message: number(message)?, receive })
    }
}

/// A message as a receive hands it out. Times count from the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lent {
    /// Names the message and this receive.
    pub receipt: Receipt,
    /// When it was sent.
    pub sent_at: Duration,
    /// When it was first handed out.
    pub first_received_at: Duration,
}

#[derive(Clone, Copy)]
struct Kept {
    sent_at: Duration,
    first_received_at: Duration,
    received_at: Duration,
    visible_at: Duration,
    lent_until: Duration,
    receives: u32,
}

/// Why SQS refuses: its error code.
pub type Refusal = &'static str;

/// One queue. The dead-letter queue is a list of numbers.
pub struct Queue {
    rules: Rules,
    in_flight_quota: usize,
    /// Sent and never received.
    fresh: VecDeque<(Range<u64>, Duration)>,
    fresh_messages: u64,
    next: u64,
    /// Received at least once and not gone.
    kept: HashMap<u64, Kept>,
    /// Of these, by when they are visible; and those that are visible again.
    invisible: BTreeSet<(Duration, u64)>,
    again: BTreeSet<u64>,
    dead: Vec<u64>,
    expired: u64,
    deleted: u64,
    receives: u64,
    most_receives: u32,
    most_in_flight: usize,
}

impl Queue {
    /// An empty queue.
    pub fn new(rules: Rules, in_flight_quota: usize) -> Self {
        Self {
            rules,
            in_flight_quota,
            fresh: VecDeque::new(),
            fresh_messages: 0,
            next: 0,
            kept: HashMap::new(),
            invisible: BTreeSet::new(),
            again: BTreeSet::new(),
            dead: Vec::new(),
            expired: 0,
            deleted: 0,
            receives: 0,
            most_receives: 0,
            most_in_flight: 0,
        }
    }

    /// So many messages, sent now.
    pub fn send(&mut self, now: Duration, count: u64) {
        self.fresh.push_back((self.next..self.next + count, now));
        self.next += count;
        self.fresh_messages += count;
    }

    /// ReceiveMessage, one look: at most `max` messages, each lent for `visibility`. At the quota of messages in
    /// flight a short poll is an error, `OverLimit`, and a long one comes back without any.
    pub fn receive(
        &mut self,
        now: Duration,
        max: usize,
        visibility: Duration,
        is_long: bool,
    ) -> Result<Vec<Lent>, Refusal> {
        self.ripen(now);
        let room = self.in_flight_quota.saturating_sub(self.invisible.len());
        if room == 0 && !is_long {
            return Err("OverLimit");
        }
        let mut lent = Vec::new();
        while lent.len() < max.min(room) {
            let Some((message, mut kept)) = self.next_visible_message(now) else { break };
            if self.rules.max_receive_count.is_some_and(|most| kept.receives >= most) {
                self.kept.remove(&message);
                self.dead.push(message);
                continue;
            }
            kept.receives += 1;
            kept.received_at = now;
            kept.visible_at = now + visibility;
            kept.lent_until = kept.visible_at;
            self.kept.insert(message, kept);
            self.invisible.insert((kept.visible_at, message));
            self.receives += 1;
            self.most_receives = self.most_receives.max(kept.receives);
            let receipt = Receipt { message, receive: kept.receives };
            lent.push(Lent { receipt, sent_at: kept.sent_at, first_received_at: kept.first_received_at });
        }
        self.most_in_flight = self.most_in_flight.max(self.invisible.len());
        Ok(lent)
    }

    /// What came back first, because it has the lower numbers.
    fn next_visible_message(&mut self, now: Duration) -> Option<(u64, Kept)> {
        while let Some(message) = self.again.pop_first() {
            let kept = *self.kept.get(&message)?;
            if now < kept.sent_at + self.rules.retention {
                return Some((message, kept));
            }
            self.kept.remove(&message);
            self.expired += 1;
        }
        loop {
            let (messages, sent_at) = self.fresh.front_mut()?;
            let sent_at = *sent_at;
            if now >= sent_at + self.rules.retention {
                self.expired += messages.end - messages.start;
                self.fresh_messages -= messages.end - messages.start;
                self.fresh.pop_front();
                continue;
            }
            let Some(message) = messages.next() else {
                self.fresh.pop_front();
                continue;
            };
            self.fresh_messages -= 1;
            let kept = Kept {
                sent_at,
                first_received_at: now,
                received_at: now,
                visible_at: now,
                lent_until: now,
                receives: 0,
            };
            return Some((message, kept));
        }
    }

    /// What is visible again by now.
    fn ripen(&mut self, now: Duration) {
        while let Some((at, message)) = self.invisible.first().copied().filter(|(at, _)| *at <= now) {
            self.invisible.remove(&(at, message));
            self.again.insert(message);
        }
    }

    /// DeleteMessage. Tells since when the message was out; an old receipt succeeds and deletes nothing.
    pub fn delete(&mut self, receipt: Receipt) -> Option<Duration> {
        let kept = *self.kept.get(&receipt.message).filter(|kept| kept.receives == receipt.receive)?;
        self.kept.remove(&receipt.message);
        self.invisible.remove(&(kept.visible_at, receipt.message));
        self.again.remove(&receipt.message);
        self.deleted += 1;
        Some(kept.received_at)
    }

    /// ChangeMessageVisibility: visible `after` from now.
    pub fn change_visibility(
        &mut self,
        now: Duration,
        receipt: Receipt,
        after: Duration,
    ) -> Result<(), Refusal> {
        let kept = self.kept.get_mut(&receipt.message).ok_or("InvalidParameterValue")?;
        if kept.receives != receipt.receive {
            return Err("ReceiptHandleIsInvalid");
        }
        if kept.visible_at <= now {
            return Err("MessageNotInflight");
        }
        if now + after > kept.received_at + LONGEST {
            return Err("InvalidParameterValue");
        }
        self.invisible.remove(&(kept.visible_at, receipt.message));
        kept.visible_at = now + after;
        kept.lent_until = kept.lent_until.max(kept.visible_at);
        self.invisible.insert((kept.visible_at, receipt.message));
        Ok(())
    }

    /// Whether the time is over for which this receipt's message was lent, and the message still waits.
    pub fn has_lapsed(&self, now: Duration, receipt: Receipt) -> bool {
        let kept = self.kept.get(&receipt.message).filter(|kept| kept.receives == receipt.receive);
        kept.is_some_and(|kept| kept.lent_until < now)
    }

    /// When the next message becomes visible that is not.
    pub fn next_visible(&self) -> Option<Duration> {
        self.invisible.first().map(|(at, _)| *at)
    }

    /// Visible and in flight.
    pub fn depth(&mut self, now: Duration) -> (u64, u64) {
        self.ripen(now);
        (self.fresh_messages + self.again.len() as u64, self.invisible.len() as u64)
    }

    /// Whether nothing is left, in whatever state.
    pub fn is_empty(&self) -> bool {
        self.fresh_messages == 0 && self.kept.is_empty()
    }

    /// Messages that were sent.
    pub fn sent(&self) -> u64 {
        self.next
    }

    /// Messages that were deleted.
    pub fn deleted(&self) -> u64 {
        self.deleted
    }

    /// Messages that the queue moved to the dead-letter queue.
    pub fn dead(&self) -> &[u64] {
        &self.dead
    }

    /// Messages whose retention has ended.
    pub fn expired(&self) -> u64 {
        self.expired
    }

    /// Messages handed out, each time counted.
    pub fn receives(&self) -> u64 {
        self.receives
    }

    /// How often the message that came most often has come.
    pub fn most_receives(&self) -> u32 {
        self.most_receives
    }

    /// Messages in flight at once, at the most.
    pub fn most_in_flight(&self) -> usize {
        self.most_in_flight
    }
}
