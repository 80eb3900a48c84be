//! The one fact this product is about: a user of a pool is confirmed.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Timestamp, UserPoolId, UserSub, Username};

/// Who announced the confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// The PostConfirmation trigger.
    CognitoTrigger,
    /// `backfill --from cognito`.
    BackfillCognito,
    /// `backfill --from FILE`.
    BackfillFile,
    /// `reconcile --fix missing`.
    Reconcile,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 4] =
        [Self::CognitoTrigger, Self::BackfillCognito, Self::BackfillFile, Self::Reconcile];

    /// The value of `source` on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CognitoTrigger => "cognito.trigger",
            Self::BackfillCognito => "backfill.cognito",
            Self::BackfillFile => "backfill.file",
            Self::Reconcile => "reconcile",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == text)
    }
}

/// What made Cognito call the trigger, without the prefix `PostConfirmation_`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TriggerSource {
    /// A sign-up was confirmed, by code, link, administrator or a PreSignUp trigger.
    ConfirmSignUp,
    /// A password reset was confirmed. Cognito calls the same trigger, each time.
    ConfirmForgotPassword,
    /// Anything else. Cognito may add sources; none may fail a sign-up, none is wanted by default.
    Other,
}

impl TriggerSource {
    /// Reads the name with or without Cognito's prefix `PostConfirmation_`.
    pub fn parse(text: &str) -> Self {
        match text.strip_prefix("PostConfirmation_").unwrap_or(text) {
            "ConfirmSignUp" => Self::ConfirmSignUp,
            "ConfirmForgotPassword" => Self::ConfirmForgotPassword,
            _ => Self::Other,
        }
    }

    /// The value of `trigger` on the wire.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::ConfirmSignUp => "ConfirmSignUp",
            Self::ConfirmForgotPassword => "ConfirmForgotPassword",
            Self::Other => "Other",
        }
    }
}

/// One confirmed user, as some source saw him at one moment.
#[derive(Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// Who announced it.
    pub source: Source,
    /// What made Cognito call the trigger; absent from backfill and reconcile.
    pub trigger: Option<TriggerSource>,
    /// The user pool.
    pub user_pool_id: UserPoolId,
    /// The region as the event named it.
    pub region: Option<String>,
    /// The user's immutable id, and the root of the item's key.
    pub sub: UserSub,
    /// The user name; half of the default owner.
    pub username: Username,
    /// The e-mail address as received; never empty.
    pub email: Option<String>,
    /// Whether Cognito has verified the address.
    pub email_verified: Option<bool>,
    /// When the fact was observed: the start of the latency clock.
    pub observed_at: Timestamp,
    /// Overrides the item's timestamps (backfill with the user's creation date).
    pub created_at: Option<Timestamp>,
    /// Allow-listed extra attributes; never empty strings.
    pub attributes: BTreeMap<String, String>,
    /// W3C trace context of the trigger's invocation.
    pub traceparent: Option<String>,
}

impl Confirmation {
    /// What the item's `createdAt` and `updatedAt` say. A function of the message, never of the
    /// worker's clock, so that a redelivery describes the same item.
    pub fn item_time(&self) -> Timestamp {
        self.created_at.unwrap_or(self.observed_at)
    }
}

impl fmt::Debug for Confirmation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Confirmation")
            .field("source", &self.source)
            .field("trigger", &self.trigger)
            .field("user_pool_id", &self.user_pool_id)
            .field("observed_at", &self.observed_at)
            .finish_non_exhaustive()
    }
}
