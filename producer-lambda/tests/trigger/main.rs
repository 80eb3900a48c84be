//! The real binary, between Lambda's Runtime API on one side and SQS or EventBridge on the other.
//!
//! Nothing is replaced inside the process: what is tested is what is deployed, over HTTP on loopback.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking; clippy.toml's exception does not reach the functions tests share"
)]

#[path = "../runtime_api/mod.rs"]
mod runtime_api;
#[path = "../tls/mod.rs"]
mod tls;

mod aws;
mod function;
mod line;

mod configuration;
mod crowd;
mod echo;
mod failure;
mod library;
mod message;
mod network;
mod opening;
mod panic;
mod readme;
