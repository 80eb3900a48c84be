//! What the system tests stand on: the deployables as real processes, real endpoints for them to talk
//! to, and the means to look at what came of it.
//!
//! Nothing here stands in for the product. The queue and the table are reached by the real SDK over
//! HTTP, on the embedded engines by default, on others when `WIRE_ENGINE` says so (see [`engine`]).
//! Must never sleep in place of a condition, nor leave a process, a file or a queue behind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on is to stop loudly, at the line where it stopped"
)]

pub mod bucket;
pub mod collector;
pub mod confirmations;
pub mod dead_letter_queue;
pub mod engine;
pub mod eventually;
pub mod executables;
pub mod hostile;
pub mod http;
pub mod intercept;
mod items;
pub mod letters;
mod ministack;
mod moment;
pub mod personal;
pub mod progress;
pub mod receipts;
mod rows;
#[path = "../../producer-lambda/tests/runtime_api/mod.rs"]
mod runtime_api;
pub mod tcp;
pub mod trigger_process;
pub mod user_pool;
pub mod vitals;
pub mod worker_process;
pub mod world;

pub use bucket::Bucket;
pub use collector::Collector;
pub use confirmations::{Person, fixture};
pub use engine::Capability;
pub use eventually::{PATIENCE, eventually};
pub use intercept::{Call, Gate, Intercept, Reaction};
pub use letters::{DeadLetter, Letter};
pub use moment::Moment;
pub use personal::Personal;
pub use receipts::Receipts;
pub use tcp::{Fault, Strike, TcpProxy};
pub use trigger_process::Trigger;
pub use user_pool::UserPool;
pub use worker_process::{Ended, Worker};
pub use world::World;
