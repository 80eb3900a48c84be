//! What a run meets that is no calm backlog: how messages come, how near their repeats are, what the
//! services fail at. Handed to the endpoints as one argument, in JSON.

use serde::{Deserialize, Serialize};

/// Of one run. The default is a queue that is full before the worker starts, and services that never fail.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Conditions {
    pub(crate) arrivals: Arrivals,
    pub(crate) repeats: Repeats,
    /// With a proxy before SQS, also where both rates are 0: what is compared goes the same way.
    pub(crate) faults: Option<Faults>,
}

/// When the messages come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Arrivals {
    /// Before the worker starts.
    #[default]
    Standing,
    /// One by one, at equal distances, from the worker's first poll on.
    Steady { per_second: u32 },
    /// All in one moment, when the endpoints are told: until then they are delayed messages.
    Burst,
}

/// How near a repeat is to what it repeats.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Repeats {
    /// One message in ten is one, half of them within nine places, half anywhere before.
    #[default]
    Mixed,
    /// The near half alone: one message in twenty.
    Near,
}

/// What fails, as parts of 1; which ones is the same in every run that makes the same calls.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Faults {
    /// Of the statements, each with its own error inside HTTP 200.
    pub(crate) throttled: f64,
    /// Of the entries of DeleteMessageBatch, each with its own error inside HTTP 200.
    pub(crate) failed_deletes: f64,
}

impl Faults {
    /// Whether what failed is what was to fail: none of a kind that was not, and some of one that was.
    pub(crate) fn are(self, throttled: u64, failed_deletes: u64) -> bool {
        (self.throttled > 0.0) == (throttled > 0) && (self.failed_deletes > 0.0) == (failed_deletes > 0)
    }
}

impl Conditions {
    pub(crate) fn argument(&self) -> String {
        serde_json::to_string(self).unwrap()
    }

    pub(crate) fn from_argument(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}
