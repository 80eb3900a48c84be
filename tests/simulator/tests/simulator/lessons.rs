//! What other consumers of SQS have learnt the hard way, as scenes: docs/lessons.md names the cases, and
//! the guard that each of these tests was seen to fail without.

mod leases;
mod settling;
mod sinks;
mod stopping;
