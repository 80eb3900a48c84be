//! Collects writes into batches and folds duplicates. Thin: [`Batcher`] decides, this task only waits
//! for whichever comes first, a message or a deadline.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::decide::batcher::{Batcher, is_suspect};
use crate::decide::fold::Group;
use crate::ports::MOST_INSERTS;
use crate::receive::{Arrivals, Job};
use crate::write::{Member, Tries};

/// Gathers until its input closes.
pub async fn run(
    linger: Duration,
    mut arrived: mpsc::Receiver<Arrivals>,
    batches: mpsc::Sender<Vec<Group<Member>>>,
) {
    let mut batcher = Batcher::new(MOST_INSERTS, linger);
    loop {
        let deadline = batcher.next_deadline();
        let timeout = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let mut ready = Vec::new();
        let open = tokio::select! {
            biased;
            () = timeout => {
                ready.extend(batcher.on_timeout(Instant::now()));
                true
            }
            arrivals = arrived.recv() => match arrivals {
                Some(arrivals) => {
                    for Job { delivery, write } in arrivals.jobs {
                        let alone = is_suspect(delivery.message.receive_count);
                        let member = Member { delivery, observed_at: write.observed_at, tries: Tries::default() };
                        if alone {
                            ready.push(vec![Group { profile: write.profile, members: vec![member] }]);
                        } else {
                            ready.extend(batcher.push(Instant::now(), write.profile, member));
                        }
                    }
                    // Nobody will come for whom it is worth waiting.
                    if !arrivals.more {
                        ready.extend(batcher.flush());
                    }
                    true
                }
                None => {
                    ready.extend(batcher.flush());
                    false
                }
            },
        };
        for batch in ready {
            if batches.send(batch).await.is_err() {
                return;
            }
        }
        if !open {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
