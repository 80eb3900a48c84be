//! A standard queue of SQS with its dead-letter queue. Source of every rule: the SQS API reference
//! (ReceiveMessage, DeleteMessage, ChangeMessageVisibility) and the developer guide ("Amazon SQS
//! visibility timeout", "Using dead-letter queues").
//!
//! The order of messages is that of their ids, which is more than SQS promises; those who drive the
//! model shuffle what they send.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::Instant;

/// SQS never keeps a message invisible for longer, counted from its receive.
pub const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);

/// Messages of one receive, and entries of one batch.
const MOST: usize = 10;

/// How the queue was made.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// A message that was received so often goes to the dead-letter queue in place of another receive.
    pub max_receive_count: Option<u32>,
    /// How long a message is kept, counted from when it was sent.
    pub retention: Duration,
}

impl Default for Rules {
    /// As infra makes it.
    fn default() -> Self {
        Self { max_receive_count: Some(100), retention: Duration::from_secs(14 * 24 * 60 * 60) }
    }
}

/// A message as a receive hands it out.
#[derive(Clone)]
pub struct Lent {
    /// The message.
    pub id: u64,
    /// The receipt: a new one each time.
    pub receipt: u64,
    /// The text.
    pub body: String,
    /// The message attribute `traceparent`.
    pub traceparent: Option<String>,
    /// From 1.
    pub receive_count: u32,
    /// When it was sent.
    pub sent_at: Instant,
    /// When it was first handed out.
    pub first_received_at: Instant,
}

/// A message in the dead-letter queue.
#[derive(Clone)]
pub struct DeadLetter {
    /// The message it was, where the queue itself moved it.
    pub id: Option<u64>,
    /// The text.
    pub body: String,
    /// The attribute with the reason; a message that SQS moved has none.
    pub note: Option<String>,
    /// The message attribute `traceparent`.
    pub traceparent: Option<String>,
    /// When it was sent, also where the queue moved it: its retention goes on.
    pub sent_at: Instant,
    /// How often it was received, across both queues.
    pub receive_count: u32,
}

struct Kept {
    body: String,
    traceparent: Option<String>,
    sent_at: Instant,
    visible_at: Instant,
    /// When it was last handed out, by which receipt, and how long it was lent for at the most.
    received_at: Instant,
    receipt: Option<u64>,
    lent_until: Instant,
    first_received_at: Option<Instant>,
    receive_count: u32,
}

/// One queue and its dead-letter queue.
#[derive(Default)]
pub struct Queue {
    rules: Rules,
    messages: BTreeMap<u64, Kept>,
    /// Which message a receipt is of, also when that has gone.
    receipts: HashMap<u64, u64>,
    next_message: u64,
    next_receipt: u64,
    dead: Vec<DeadLetter>,
    expired: Vec<u64>,
    /// Messages that were deleted, for those who bring one back.
    deleted: BTreeMap<u64, Kept>,
    most_receives: u32,
    /// It is not there.
    pub missing: bool,
}

/// Why SQS refuses an entry: its error code.
type Refusal = &'static str;

impl Queue {
    /// An empty queue.
    pub fn new(rules: Rules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Every call: the queue may not be there.
    pub fn check_there(&self) -> Result<(), Refusal> {
        if self.missing { Err("AWS.SimpleQueueService.NonExistentQueue") } else { Ok(()) }
    }

    /// Before ReceiveMessage: how many may be asked for.
    pub fn check_receive(&self, max: usize) -> Result<(), Refusal> {
        self.check_there()?;
        if (1..=MOST).contains(&max) { Ok(()) } else { Err("InvalidParameterValue") }
    }

    /// Before a batch, which is refused as a whole for its size.
    pub fn check_batch(&self, entries: usize) -> Result<(), Refusal> {
        self.check_there()?;
        match entries {
            0 => Err("AWS.SimpleQueueService.EmptyBatchRequest"),
            1..=MOST => Ok(()),
            _ => Err("AWS.SimpleQueueService.TooManyEntriesInBatchRequest"),
        }
    }

    /// SendMessage: visible after `delay`.
    pub fn send(&mut self, now: Instant, body: String, traceparent: Option<String>, delay: Duration) -> u64 {
        let id = self.next_message;
        self.next_message += 1;
        let kept = Kept {
            body,
            traceparent,
            sent_at: now,
            visible_at: now + delay,
            received_at: now,
            receipt: None,
            lent_until: now,
            first_received_at: None,
            receive_count: 0,
        };
        self.messages.insert(id, kept);
        id
    }

    /// ReceiveMessage, one look: at most `max` messages that are visible, each lent for `visibility`.
    pub fn receive(&mut self, now: Instant, max: usize, visibility: Duration) -> Vec<Lent> {
        self.expire(now);
        let visible: Vec<u64> =
            self.messages.iter().filter(|(_, kept)| kept.visible_at <= now).map(|(id, _)| *id).collect();
        let mut lent = Vec::new();
        for id in visible {
            if lent.len() == max {
                break;
            }
            let spent = self.messages.get(&id).map_or(0, |kept| kept.receive_count);
            if self.rules.max_receive_count.is_some_and(|most| spent >= most) {
                self.move_to_dead_letters(id);
            } else {
                lent.extend(self.lend(now, id, visibility));
            }
        }
        lent
    }

    /// Hands a message out whether or not it is visible: at least once is all that is promised.
    pub fn lend(&mut self, now: Instant, id: u64, visibility: Duration) -> Option<Lent> {
        let kept = self.messages.get_mut(&id)?;
        let receipt = self.next_receipt;
        self.next_receipt += 1;
        self.receipts.insert(receipt, id);
        kept.receipt = Some(receipt);
        kept.receive_count += 1;
        kept.received_at = now;
        kept.visible_at = now + visibility;
        kept.lent_until = kept.visible_at;
        self.most_receives = self.most_receives.max(kept.receive_count);
        let first_received_at = *kept.first_received_at.get_or_insert(now);
        Some(Lent {
            id,
            receipt,
            body: kept.body.clone(),
            traceparent: kept.traceparent.clone(),
            receive_count: kept.receive_count,
            sent_at: kept.sent_at,
            first_received_at,
        })
    }

    /// DeleteMessage. Tells which message has gone: an old receipt succeeds and deletes nothing, and so
    /// does one whose message has gone before.
    pub fn delete(&mut self, receipt: u64) -> Result<Option<u64>, Refusal> {
        let id = *self.receipts.get(&receipt).ok_or("ReceiptHandleIsInvalid")?;
        if self.messages.get(&id).is_none_or(|kept| kept.receipt != Some(receipt)) {
            return Ok(None);
        }
        if let Some(kept) = self.messages.remove(&id) {
            self.deleted.insert(id, kept);
        }
        Ok(Some(id))
    }

    /// ChangeMessageVisibility: visible `after` from now, which is forgotten at the next receive.
    pub fn change_visibility(&mut self, now: Instant, receipt: u64, after: Duration) -> Result<(), Refusal> {
        let id = self.receipts.get(&receipt).ok_or("ReceiptHandleIsInvalid")?;
        let kept = self.messages.get_mut(id).ok_or("InvalidParameterValue")?;
        if kept.receipt != Some(receipt) {
            return Err("ReceiptHandleIsInvalid");
        }
        if kept.visible_at <= now {
            return Err("MessageNotInflight");
        }
        // Longer than the limit is an error, not cut to it.
        if now + after > kept.received_at + LONGEST {
            return Err("InvalidParameterValue");
        }
        kept.visible_at = now + after;
        kept.lent_until = kept.lent_until.max(kept.visible_at);
        Ok(())
    }

    /// A message reaches the dead-letter queue by SendMessage.
    pub fn quarantine(&mut self, now: Instant, body: String, note: String, traceparent: Option<String>) {
        let note = Some(note);
        self.dead.push(DeadLetter { id: None, body, note, traceparent, sent_at: now, receive_count: 0 });
    }

    fn move_to_dead_letters(&mut self, id: u64) {
        if let Some(kept) = self.messages.remove(&id) {
            let Kept { body, traceparent, sent_at, receive_count, .. } = kept;
            self.dead.push(DeadLetter {
                id: Some(id),
                body,
                note: None,
                traceparent,
                sent_at,
                receive_count,
            });
        }
    }

    fn expire(&mut self, now: Instant) {
        let retention = self.rules.retention;
        let old: Vec<u64> = self
            .messages
            .iter()
            .filter(|(_, kept)| now >= kept.sent_at + retention)
            .map(|(id, _)| *id)
            .collect();
        for id in old {
            self.messages.remove(&id);
            self.expired.push(id);
        }
    }

    /// A message that was deleted is there again, and visible: a server that missed the delete has come
    /// back (API reference, DeleteMessage).
    pub fn bring_back(&mut self, now: Instant, id: u64) {
        if let Some(mut kept) = self.deleted.remove(&id) {
            kept.visible_at = now;
            self.messages.insert(id, kept);
        }
    }

    /// Whether the message is in flight, and so could be delivered a second time.
    pub fn is_in_flight(&self, now: Instant, id: u64) -> bool {
        self.messages.get(&id).is_some_and(|kept| kept.receipt.is_some() && kept.visible_at > now)
    }

    /// The messages that are in flight.
    pub fn in_flight(&self, now: Instant) -> Vec<u64> {
        self.messages.keys().copied().filter(|id| self.is_in_flight(now, *id)).collect()
    }

    /// The message that a receipt is of, and whether it is the newest of it.
    pub fn of_receipt(&self, receipt: u64) -> Option<(u64, bool)> {
        let id = *self.receipts.get(&receipt)?;
        Some((id, self.messages.get(&id).is_some_and(|kept| kept.receipt == Some(receipt))))
    }

    /// Whether the time is over for which this receipt's message was lent, and the message still waits.
    pub fn has_lapsed(&self, now: Instant, receipt: u64) -> bool {
        let kept = self.receipts.get(&receipt).and_then(|id| self.messages.get(id));
        kept.is_some_and(|kept| kept.receipt == Some(receipt) && kept.lent_until < now)
    }

    /// When the next message becomes visible, if any is to.
    pub fn next_visible(&self) -> Option<Instant> {
        self.messages.values().map(|kept| kept.visible_at).min()
    }

    /// How many messages are visible, in flight, and delayed before their first receive.
    pub fn depth(&mut self, now: Instant) -> (usize, usize, usize) {
        self.expire(now);
        let visible = self.messages.values().filter(|kept| kept.visible_at <= now).count();
        let delayed = self.messages.values().filter(|kept| kept.visible_at > now && kept.receipt.is_none());
        let delayed = delayed.count();
        (visible, self.messages.len() - visible - delayed, delayed)
    }

    /// Whether nothing is left, in whatever state.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The messages that are left.
    pub fn left(&self) -> impl Iterator<Item = u64> {
        self.messages.keys().copied()
    }

    /// A message's text while it is in the queue, or after it was deleted.
    pub fn body(&self, id: u64) -> Option<&str> {
        self.messages.get(&id).or_else(|| self.deleted.get(&id)).map(|kept| kept.body.as_str())
    }

    /// The dead-letter queue, oldest first.
    pub fn dead_letters(&self) -> &[DeadLetter] {
        &self.dead
    }

    /// The messages whose retention has ended.
    pub fn expired(&self) -> &[u64] {
        &self.expired
    }

    /// How often the message that came most often has come.
    pub fn most_receives(&self) -> u32 {
        self.most_receives
    }
}
