//! What a confirmation is, and which profile item it becomes.
//!
//! The two deployables, the trigger and the worker, share one wire format; it lives here and nowhere
//! else. This crate is pure: it must never know tokio, AWS, a clock or the environment, so that every
//! rule in it can be tested by handing it text and looking at what comes back.
//!
//! A message's way: [`body::read`] turns an SQS body into a [`Confirmation`], and
//! [`ProfileModel::profile`] turns that into a [`Profile`]: a key, an owner and an item.

pub mod body;
mod confirmation;
pub mod envelope;
pub mod event;
mod fields;
mod ids;
mod item;
mod json;
mod model;
mod model_toml;
mod owner;
mod rejection;
mod template;
mod timestamp;
mod trace;

pub use confirmation::{Confirmation, Source, TriggerSource};
pub use ids::{InvalidId, UserPoolId, UserSub, Username};
pub use item::{AttributeValue, Item, ProfileKey};
pub use model::{Profile, ProfileModel};
pub use model_toml::ModelError;
pub use owner::Owner;
pub use rejection::{Reason, Rejection};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use trace::{Traceparent, XRayHeader};
