//! Everything that decides. Plain functions and small state machines: time and chance are arguments,
//! nothing here is async, knows the SDK or reads a clock.

pub mod again;
pub mod backoff;
pub mod batcher;
pub mod breaker;
pub mod decode;
pub mod fold;
pub mod late;
pub mod lease;
pub mod permits;
pub mod receivers;
pub mod recent;
pub mod rejections;
pub mod repeats;
pub mod settlement;
