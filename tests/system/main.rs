//! The system tests: the deployables as they are shipped, against real endpoints, judged by what is in
//! the table, in the queues and in the summary afterwards. One module per theme.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on is to stop loudly, at the line where it stopped"
)]

mod adopt;
mod answers;
mod backfill;
mod batches;
mod bounds;
mod command_line;
mod debug;
mod doctor;
mod duplicates;
mod emf;
mod explain;
mod holding;
mod injection;
mod interrupted;
mod killed;
mod late;
mod leases;
mod metrics;
mod objects;
mod outage;
mod owners;
mod page;
mod panics;
mod poison;
mod privacy;
mod quarantine;
mod receivers;
mod reconcile;
mod redrive;
mod settling;
mod starved;
mod stopping;
mod traces;
mod trust;
mod user_pools;
mod waiting;
mod whole_flow;
mod wire_faults;
mod without_batching;
