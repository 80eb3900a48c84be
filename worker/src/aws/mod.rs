//! The only place that knows the AWS SDK. One leaf file per service behind a port, one file that says
//! what an error means, one that builds clients.

pub mod adoption;
pub mod attempts;
pub mod classify;
pub mod clients;
pub mod cognito;
pub mod dead_letters;
pub mod dynamodb;
pub mod json;
pub mod moves;
pub mod objects;
pub mod outbox;
pub mod row;
pub mod scan;
pub mod sqs;
