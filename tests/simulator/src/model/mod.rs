//! What SQS and DynamoDB promise, as state machines without network or clock: every call takes the time
//! as an argument and answers at once. No better than the documentation: whatever AWS leaves open is left
//! to those who drive the model.

mod queue;
mod table;

pub use queue::{DeadLetter, LONGEST, Lent, Queue, Rules};
pub(crate) use table::owner_of;
pub use table::{Batch, Row, Rows, Statement, Table};
