//! Prints the worker's lines, one set a minute and a last one at the end. A stdout that is closed or that nobody reads
//! must not keep anybody waiting but this task: what could not be told in time is told by the next line.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use super::reading::Reading;
use crate::stats::Stats;
use crate::telemetry::stdout;

/// CloudWatch keeps one data point a minute.
const EACH: Duration = Duration::from_secs(60);

/// Prints until it is told to finish; dropped, it says no more.
pub struct Printer {
    ended: CancellationToken,
    printing: JoinSet<()>,
}

impl Printer {
    /// Begins with the first minute.
    pub fn start(stats: Arc<Stats>, queue_name: String) -> Self {
        let ended = CancellationToken::new();
        let mut printing = JoinSet::new();
        printing.spawn(each_minute(stats, queue_name, ended.clone(), std::io::stdout));
        Self { ended, printing }
    }

    /// Tells what is left to be told, if somebody listens.
    pub async fn finish(mut self) {
        self.ended.cancel();
        let _ = timeout(stdout::PATIENCE, self.printing.join_next()).await;
    }
}

async fn each_minute<W: Write + Send + 'static>(
    stats: Arc<Stats>,
    queue_name: String,
    ended: CancellationToken,
    out: impl Fn() -> W + Clone + Send + 'static,
) {
    let mut before = Reading::default();
    let mut ticks = interval_at(Instant::now() + EACH, EACH);
    // After a stdout that stood still one line is enough: it tells of all the time.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let last = tokio::select! {
            biased;
            () = ended.cancelled() => true,
            _ = ticks.tick() => false,
        };
        let now = Reading::of(&stats, Instant::now());
        let lines = now.lines_since(&before, &queue_name, jiff::Timestamp::now().as_millisecond());
        before = now;
        stdout::write_to(out.clone(), lines.join("\n")).await;
        if last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Origin, Outcome};
    use crate::telemetry::captured::Lines;

    #[tokio::test(start_paused = true)]
    async fn a_line_a_minute_and_a_last_one_tell_everything_once() {
        let (stats, printed, ended) =
            (Arc::new(Stats::default()), Lines::default(), CancellationToken::new());
        let out = printed.clone();
        let printing = tokio::spawn(each_minute(
            Arc::clone(&stats),
            "confirmations".to_owned(),
            ended.clone(),
            move || out.clone(),
        ));
        for minute in 0..3 {
            tokio::time::sleep(EACH).await;
            tokio::time::sleep(EACH / 60).await;
            assert_eq!(printed.read().len(), minute + 1);
            stats.on_receive(Instant::now(), 2, None);
            stats.on_outcome(Instant::now(), Outcome::AlreadyPresent, Origin::Live);
        }
        ended.cancel();
        printing.await.unwrap();
        let lines = printed.read();
        let told = |name: &str| lines.iter().map(|line| line[name].as_u64().unwrap()).collect::<Vec<_>>();
        assert_eq!(told("received"), [0, 2, 2, 2]);
        assert_eq!(told("already_present"), [0, 1, 1, 1]);
        assert_eq!(told("in_flight"), [0, 1, 2, 3]);
        assert!(lines.iter().all(|line| line["queue_name"] == "confirmations"));
    }
}
