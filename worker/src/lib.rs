//! The worker: from queue messages to profile items.
//!
//! Start reading at [`pipeline`], the map. Decisions live in [`decide`] and know no clock, no network
//! and no randomness; the stages ([`receive`], [`gather`], [`verify`], [`mod@write`], [`settle`], [`heartbeat`]) do what was decided,
//! through the [`ports`]; [`aws`] is the only place that knows the SDK. Dependencies point one
//! way: `aws, admin, jobs → pipeline → decide → domain`.

pub mod admin;
pub mod aws;
pub mod cli;
pub mod config;
pub mod decide;
pub mod delivery;
pub mod gate;
pub mod gather;
pub mod heartbeat;
pub mod insert;
pub mod jobs;
pub mod outcome;
pub mod owners;
pub mod permits;
pub mod pipeline;
pub mod ports;
pub mod receive;
pub mod service;
pub mod settle;
pub mod stats;
pub mod telemetry;
pub mod verify;
pub mod write;
