//! What the pipeline asks of the outside world, in its own words. The AWS adapters implement these
//! over HTTP; a simulator implements them in memory. Must stay free of SDK types.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use domain::{Profile, ProfileKey, Timestamp, Traceparent, UserPoolId, UserSub, Username};
use serde::Serialize;

/// What SQS hands out to settle one receipt of one message. A new receive makes a new handle.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ReceiptHandle(pub String);

impl fmt::Debug for ReceiptHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReceiptHandle(…)")
    }
}

/// One received message. No `Debug`: the body is a person.
#[derive(Clone)]
pub struct Message {
    /// SQS's id; a redrive gives the message a new one.
    pub id: String,
    /// To settle this receipt with.
    pub handle: ReceiptHandle,
    /// The text.
    pub body: String,
    /// SQS's ApproximateReceiveCount, from 1.
    pub receive_count: u32,
    /// SQS's SentTimestamp.
    pub sent_at: Timestamp,
    /// SQS's ApproximateFirstReceiveTimestamp.
    pub first_received_at: Timestamp,
    /// The trace of whoever sent it: the message attribute `traceparent`, else what the body or `AWSTraceHeader`
    /// says. Untrusted; as it came.
    pub traceparent: Option<String>,
    /// The message attribute `profile_worker.quarantine`, as it came: this message was in quarantine before.
    pub earlier_note: Option<String>,
}

impl Message {
    /// The trace that its sender was in, if that can be read: 32 hexadecimal digits.
    pub fn trace_id(&self) -> Option<String> {
        let traceparent = Traceparent::parse(self.traceparent.as_deref()?)?;
        Some(traceparent.trace_id().to_owned())
    }
}

/// A message on its way to the dead-letter queue, with the reason why.
pub struct Quarantine<'a> {
    /// The message, whose body is sent unchanged.
    pub message: &'a Message,
    /// The JSON of the attribute `profile_worker.quarantine`.
    pub note: String,
}

/// How many messages the queue says it holds. Approximate, as SQS is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Depth {
    /// Waiting to be received.
    pub visible: u64,
    /// Received and not settled, by anybody.
    pub in_flight: u64,
    /// Not yet visible.
    pub delayed: u64,
}

impl Depth {
    /// Nothing visible, invisible or delayed.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// Why a call failed: what the caller may do about it, not what the service said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorClass {
    /// The service asks for less.
    Throttled,
    /// 5xx, timeout, connection: nobody knows whether the call took effect.
    Unavailable,
    /// The queue or table does not exist (Amplify recreates tables under the same name).
    Missing,
    /// Credentials, permissions or KMS.
    Denied,
    /// The service understood and refuses this input.
    Refused,
}

impl ErrorClass {
    /// Every class.
    pub const ALL: [Self; 5] =
        [Self::Throttled, Self::Unavailable, Self::Missing, Self::Denied, Self::Refused];

    /// The stable name in logs and counters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Missing => "missing",
            Self::Denied => "denied",
            Self::Refused => "refused",
        }
    }
}

/// A failed call. The code is AWS's error code; the service's message is dropped, it may quote input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code} ({})", class.name())]
pub struct CallError {
    /// What may be done about it.
    pub class: ErrorClass,
    /// Such as `ThrottlingException`, or `timeout` where no answer came.
    pub code: String,
}

impl CallError {
    /// A failed call.
    pub fn new(class: ErrorClass, code: impl Into<String>) -> Self {
        Self { class, code: code.into() }
    }
}

/// The result of each entry of a batch call, in the order of the request.
pub type EntryResults = Vec<Result<(), CallError>>;

/// The queue of confirmations.
pub trait ConfirmationQueue: Send + Sync + 'static {
    /// Long-polls for at most `max` messages (1 to 10), `wait` long. What is received stays invisible
    /// for the visibility timeout the queue was built with, counted by the caller from before the call.
    fn receive(
        &self,
        max: u32,
        wait: Duration,
    ) -> impl Future<Output = Result<Vec<Message>, CallError>> + Send;

    /// Deletes at most ten receipts. An `Ok` is one result per handle, in order.
    fn delete(
        &self,
        handles: &[ReceiptHandle],
    ) -> impl Future<Output = Result<EntryResults, CallError>> + Send;

    /// Makes at most ten receipts visible again after their delays. An `Ok` is one result per entry.
    fn make_visible_after(
        &self,
        entries: &[(ReceiptHandle, Duration)],
    ) -> impl Future<Output = Result<EntryResults, CallError>> + Send;

    /// Sends a copy to the dead-letter queue.
    fn quarantine(&self, entry: Quarantine<'_>) -> impl Future<Output = Result<(), CallError>> + Send;

    /// What the queue holds.
    fn depth(&self) -> impl Future<Output = Result<Depth, CallError>> + Send;
}

/// The sending side of a queue, for the jobs.
pub trait Letterbox: Clone + Send + Sync + 'static {
    /// Sends at most ten bodies. An `Ok` is one result per body, in order.
    fn send(&self, bodies: &[String]) -> impl Future<Output = Result<EntryResults, CallError>> + Send;
}

/// What an insert found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inserted {
    /// The item was not there and is now.
    Created,
    /// An item is there; nothing was changed.
    Exists(StoredOwner),
}

/// The owner attribute of an item that was there first.
#[derive(Clone, PartialEq, Eq)]
pub enum StoredOwner {
    /// The service said that the item exists, and nothing more.
    NotTold,
    /// The item has gone since.
    Gone,
    /// The item has no owner attribute, or one that is no string.
    Missing,
    /// Its value.
    Is(String),
}

impl fmt::Debug for StoredOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotTold => "NotTold",
            Self::Gone => "Gone",
            Self::Missing => "Missing",
            Self::Is(_) => "Is(redacted)",
        })
    }
}

/// Statements in one BatchExecuteStatement (DynamoDB API reference).
pub const MOST_INSERTS: usize = 25;

/// Keys in one BatchGetItem (DynamoDB API reference).
pub const MOST_KEYS: usize = 100;

/// The table of profiles.
pub trait ProfileTable: Send + Sync + 'static {
    /// Writes the item if no item has its key. Never overwrites, whatever happens.
    fn insert(&self, profile: &Profile) -> impl Future<Output = Result<Inserted, CallError>> + Send;

    /// Writes at most [`MOST_INSERTS`] items of distinct keys in one call, each if no item has its key. An `Ok` is one
    /// result per item, in order: HTTP 200 does not mean that all succeeded.
    fn insert_batch(
        &self,
        profiles: &[&Profile],
    ) -> impl Future<Output = Result<Vec<Result<Inserted, CallError>>, CallError>> + Send;

    /// Whose the items under these keys are, at most [`MOST_KEYS`], none twice, in order, read consistently.
    fn owners(
        &self,
        keys: &[&ProfileKey],
    ) -> impl Future<Output = Result<Vec<StoredOwner>, CallError>> + Send;
}

/// One row of the table, as far as it was asked for. No `Debug`: it is a person.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// The values of the key attributes, in the key's order.
    pub key: Vec<String>,
    /// The texts of the attributes that were asked for, in the order of asking; `None` where there is none, or none
    /// that is a text, or an empty one.
    pub texts: Vec<Option<String>>,
}

/// One page of one segment of a table.
pub struct RowPage {
    /// Its rows; it may be empty and not be the last.
    pub rows: Vec<Row>,
    /// The key of the row it ended at; absent at the segment's end.
    pub last: Option<Vec<String>>,
}

/// The table from end to end.
pub trait ProfileRows: Send + Sync + 'static {
    /// The page of `segment`, one of `of` (DynamoDB API reference, Scan), that begins after the row with this key.
    fn rows(
        &self,
        segment: u32,
        of: u32,
        after: Option<&[String]>,
    ) -> impl Future<Output = Result<RowPage, CallError>> + Send;
}

/// Where a user stands in his pool (Cognito API reference, `UserStatusType`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UserStatus {
    /// Signed up, not confirmed.
    Unconfirmed,
    /// Confirmed.
    Confirmed,
    /// Came from another identity provider.
    ExternalProvider,
    /// Imported; has to set a password before he signs in.
    ResetRequired,
    /// Made by an administrator, never signed in.
    ForceChangePassword,
    /// One of the others: no longer in use, or newer than this program.
    Other(String),
}

impl UserStatus {
    /// Every status that has a name here.
    pub const NAMED: [Self; 5] = [
        Self::Unconfirmed,
        Self::Confirmed,
        Self::ExternalProvider,
        Self::ResetRequired,
        Self::ForceChangePassword,
    ];

    /// Reads Cognito's name.
    pub fn parse(text: &str) -> Self {
        Self::NAMED
            .into_iter()
            .find(|status| status.name() == text)
            .unwrap_or_else(|| Self::Other(text.to_owned()))
    }

    /// Cognito's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Unconfirmed => "UNCONFIRMED",
            Self::Confirmed => "CONFIRMED",
            Self::ExternalProvider => "EXTERNAL_PROVIDER",
            Self::ResetRequired => "RESET_REQUIRED",
            Self::ForceChangePassword => "FORCE_CHANGE_PASSWORD",
            Self::Other(name) => name,
        }
    }
}

/// A user as his pool knows him. No `Debug`: it is a person.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// His immutable id.
    pub sub: UserSub,
    /// His name in the pool, free for reuse once he is deleted.
    pub username: Username,
    /// Where he stands.
    pub status: UserStatus,
    /// Whether he may sign in.
    pub enabled: bool,
    /// UserCreateDate; of an imported user the time of the import.
    pub created_at: Timestamp,
    /// UserLastModifiedDate.
    pub modified_at: Timestamp,
    /// Every attribute by name, as text; none is empty. `sub` is among them.
    pub attributes: BTreeMap<String, String>,
}

/// One page of a pool's users.
pub struct UserPage {
    /// Those who could be read.
    pub users: Vec<User>,
    /// Users without a sub, a name or a date: Cognito makes none, so somebody should know.
    pub unreadable: u64,
    /// Leads to the next page; absent after the last. A page may be short or empty and not be the last.
    pub next: Option<String>,
}

/// Users of one page at most (Cognito API reference, ListUsers).
pub const MOST_USERS: i32 = 60;

/// The user pools, for those who ask after single users of any.
pub trait UserPools: Send + Sync + 'static {
    /// The user of this name; `None` if there is none. A pool that does not exist is an error.
    fn user(
        &self,
        pool: &UserPoolId,
        username: &Username,
    ) -> impl Future<Output = Result<Option<User>, CallError>> + Send;
}

/// One user pool. It answers eventually consistently (Cognito API reference, ListUsers).
pub trait UserDirectory: Send + Sync + 'static {
    /// The page that `token` leads to; the first without one.
    fn page(&self, token: Option<&str>) -> impl Future<Output = Result<UserPage, CallError>> + Send;

    /// The user of this name; `None` if there is none. A pool that does not exist is an error.
    fn user(&self, username: &Username) -> impl Future<Output = Result<Option<User>, CallError>> + Send;

    /// How many users the pool has about.
    fn estimated_users(&self) -> impl Future<Output = Result<u64, CallError>> + Send;
}
