//! Sign-ups that never end, for somebody who wants to look: now more, now fewer, with repeats, resets and a few bad
//! messages among them. Nobody compares the table here; the demo does.

use std::time::Duration;

use anyhow::Context;
use producer_lambda::{Credentials, Producer, SharedCredentialsProvider};
use tokio::time::{Instant, sleep};

use super::crowd::{self, Sent};
use crate::stack::Queues;

/// Every so many messages one comes that can never become a profile.
const BAD: u64 = 150;

/// Every so many one comes again.
const AGAIN: u64 = 9;

/// How long a rush and the lull after it take together.
const TIDE: Duration = Duration::from_secs(240);

/// Sends until dropped, `rate` messages a second on average.
///
/// # Errors
/// When the queue cannot be reached any more.
pub(crate) async fn send(
    queues: &Queues,
    endpoint: &str,
    sqs: &aws_sdk_sqs::Client,
    rate: f64,
) -> anyhow::Result<()> {
    let mut config = producer_lambda::Config::queue(&queues.queue, "eu-central-1");
    config.endpoint_url = Some(endpoint.to_owned());
    config.credentials =
        SharedCredentialsProvider::new(Credentials::new("local", "local", None, None, "local"));
    let producer = Producer::new(config);
    let begun = Instant::now();
    for nth in 0.. {
        match message(nth) {
            // The trigger gives its event back whatever happens; the queue's answer is in its log.
            Sent::Event(event) => drop(producer.announce(&event, None).await),
            Sent::Body(body) => {
                let request = sqs.send_message().queue_url(&queues.queue).message_body(body);
                request.send().await.context("the queue cannot be reached")?;
            }
        }
        sleep(pause(rate, begun.elapsed(), fastrand::f64())).await;
    }
    Ok(())
}

/// What is sent as number `nth`.
fn message(nth: u64) -> Sent {
    let place = |nth: u64| usize::try_from(nth).unwrap_or_default();
    match nth {
        _ if nth % BAD == BAD - 1 => crowd::bad(place(nth / BAD)),
        _ if nth % AGAIN == AGAIN - 1 => crowd::again(place(nth / 2)),
        _ => crowd::sign_up(place(nth)),
    }
}

/// Until the next. People come by chance, and more of them at some times than at others.
fn pause(rate: f64, elapsed: Duration, chance: f64) -> Duration {
    let turn = elapsed.as_secs_f64() / TIDE.as_secs_f64() * std::f64::consts::TAU;
    let tide = 1.0 + 0.6 * turn.sin() + 0.25 * (5.0 * turn).sin();
    let mean = 1.0 / (rate.max(0.01) * tide.max(0.1));
    // Exponential, without its longest waits.
    Duration::from_secs_f64((-(1.0 - chance).max(0.02).ln() * mean).min(30.0))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn most_are_new_some_come_again_and_a_few_are_bad() {
        let mut subs = HashSet::new();
        let (mut new, mut again, mut bad) = (0, 0, 0);
        for nth in 0..3000 {
            match message(nth) {
                Sent::Body(_) => bad += 1,
                Sent::Event(event) => {
                    let sub = event.pointer("/request/userAttributes/sub").unwrap().to_string();
                    if subs.insert(sub) { new += 1 } else { again += 1 }
                }
            }
        }
        assert_eq!(bad, 20);
        assert!(again > 150, "{again} came again");
        assert!(new > 2500, "{new} are new");
    }

    #[test]
    fn a_pause_is_neither_negative_nor_endless() {
        for chance in [0.0, 0.5, 0.999_999_999] {
            for second in (0..480).step_by(7) {
                for rate in [0.0, 0.5, 5.0, 1000.0] {
                    let pause = pause(rate, Duration::from_secs(second), chance);
                    assert!(pause <= Duration::from_secs(30), "{pause:?}");
                }
            }
        }
    }
}
