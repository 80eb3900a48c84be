//! The whole product on one machine: the embedded endpoints and the demo that runs on them.
//!
//! The endpoints speak the real protocols over HTTP on loopback, so the code under them is the code
//! of production, SDK included. Nothing of this crate is in a deployable: the worker carries no
//! emulator.

pub mod cognito;
pub mod demo;
mod listener;
pub mod s3;
pub mod send;
pub mod serve;
pub mod sqs;
pub mod stack;
