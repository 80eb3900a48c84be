//! Waiting for a condition, with a deadline that a loaded machine does not reach. There is no other way
//! to wait here: a sleep is too long on a fast machine and too short on a slow one.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Far beyond what anything here takes. A guard against hanging, never a measurement.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(25);

/// Looks until `condition` answers with something, and gives that.
pub async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        sleep(LOOK).await;
    }
}
