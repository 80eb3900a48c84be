//! What the worker says about itself. Never a person: no e-mail, phone, user name or body; a sub only
//! as a keyed hash.

#[cfg(test)]
pub(crate) mod captured;
mod destinations;
pub mod emf;
pub mod events;
mod export;
mod init;
mod instruments;
pub mod meter;
pub mod names;
mod note;
mod pseudonym;
pub mod stdout;
mod traces;

pub use destinations::{Destinations, queue_name};
pub use export::{Export, SetupError, Telemetry, traces};
pub use init::{LogFormat, init};
pub use instruments::{Instruments, Messaging};
pub use note::{Cause, MOVED_BY_SQS, Note, QUARANTINE_ATTRIBUTE, quarantine_note};
pub use pseudonym::Pseudonyms;
pub use traces::{Processing, Sending, Traces, answered_as};
