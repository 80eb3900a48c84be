//! What the simulator proves in each `cargo test`: a fixed set of histories and fresh ones, a stop and a
//! kill at every moment of some, the lessons of other consumers of SQS as scenarios, the long nights, and many workers at once.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod documents;
mod lessons;
mod moments;
mod nights;
mod program;
mod scale;
mod scaling;
mod scene;
mod seeds;
