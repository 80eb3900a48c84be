//! Scale: the whole worker, as many of it as wanted, before more messages than a history could hold. Nothing
//! is kept of a message but what is in flight: bodies are made when they are handed out, rows are a byte each.
//!
//! What a history tests, faults at every step, is not tested here. Here is asked how long it takes, how many calls,
//! what is wasted and what is throttled, with the limits of a table and of a queue that matter only in numbers; and
//! still whether the promise was kept. The queue of [`queue`] behaves as that of [`crate::model`], which the
//! contracts hold against real engines; a test lives both side by side.
//!
//! [`scenario`] says what there is to try, [`fleet`] lives it, [`report`] is what came of it.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shares and rates of counts far below 2^53"
)]

pub mod capacity;
pub mod crowd;
pub mod endpoint;
pub mod fleet;
pub mod processor;
pub mod queue;
pub mod report;
pub mod scenario;
pub mod site;
pub mod table;

pub use fleet::run;
pub use report::Report;
pub use scenario::{Plan, Scenario};
