//! The simulator: the whole worker, unchanged, on virtual time, against a model of SQS and DynamoDB in
//! which everything goes wrong that their documentation allows. One seed is one history; after each,
//! the oracles say whether the promise was kept.
//!
//! [`plan`] makes a history out of a seed, [`history`] lives it, [`oracles`] judge it, [`shrink`] finds
//! out what a failure needs, [`timeline`] tells it. [`endpoint`] is where the worker's ports meet the
//! [`model`]. [`scale`] is the same worker before millions of messages, many of it at once.
//!
//! Nothing here stands in for the wire: that is tested with the real SDK against real endpoints, and the
//! contract tests hold this model against those.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a simulation that cannot go on is to stop loudly, at the line where it stopped"
)]

pub mod campaign;
pub mod endpoint;
pub mod history;
pub mod life;
pub mod model;
pub mod oracles;
pub mod people;
pub mod plan;
pub mod scale;
pub mod shrink;
pub mod timeline;
pub mod trouble;
pub mod world;

pub use history::{Report, run};
pub use plan::Plan;
