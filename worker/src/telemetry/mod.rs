//! What the worker says about itself. Never a person: no e-mail, phone, user name or body; a sub only
//! as a keyed hash.

#[cfg(test)]
pub(crate) mod captured;
pub mod events;
mod init;
mod note;
mod pseudonym;

pub use init::{LogFormat, init};
pub use note::{Cause, MOVED_BY_SQS, Note, QUARANTINE_ATTRIBUTE, quarantine_note};
pub use pseudonym::Pseudonyms;
