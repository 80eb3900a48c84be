//! How far a job is: a bar with rate and remaining time on a terminal, a log line now and then elsewhere. On
//! stderr; stdout is the result. Must never show a person.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

use crate::telemetry::events;

/// How often a line is logged where there is no terminal.
const LINE: Duration = Duration::from_secs(30);

const WITH_TOTAL: &str = "{msg} {wide_bar:.cyan/blue} {human_pos}/{human_len} {per_sec} eta {eta}";
const OF_FILE: &str = "{msg} {wide_bar:.cyan/blue} {bytes}/{total_bytes} eta {eta}";
const WITHOUT_TOTAL: &str = "{msg} {spinner:.cyan} {human_pos} {per_sec} for {elapsed}";

/// The progress of one job.
pub struct Progress {
    what: &'static str,
    bar: Option<ProgressBar>,
    done: u64,
    total: Option<u64>,
    said: Instant,
}

impl Progress {
    /// Of what has not begun: nothing is shown.
    pub fn none() -> Self {
        Self { what: "", bar: None, done: 0, total: None, said: Instant::now() }
    }

    /// At its beginning. `total` may be an estimate: Cognito tells how many users a pool has about
    /// (EstimatedNumberOfUsers).
    pub fn new(what: &'static str, total: Option<u64>) -> Self {
        Self::with(what, total, if total.is_some() { WITH_TOTAL } else { WITHOUT_TOTAL })
    }

    /// At the beginning of a file, whose length in bytes is the whole; see [`Self::read`].
    pub fn of_file(what: &'static str, length: Option<u64>) -> Self {
        Self::with(what, length, if length.is_some() { OF_FILE } else { WITHOUT_TOTAL })
    }

    fn with(what: &'static str, total: Option<u64>, template: &str) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
            let style =
                ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.set_style(style);
            bar.set_message(what);
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        Self { what, bar, done: 0, total, said: Instant::now() }
    }

    /// So many more are done.
    pub fn add(&mut self, count: u64) {
        self.done += count;
        if let Some(bar) = &self.bar {
            bar.set_position(self.done);
            // An estimate that was too low is no reason to show more than the whole.
            if self.total.is_some_and(|total| self.done > total) {
                bar.set_length(self.done);
            }
        } else if self.said.elapsed() >= LINE {
            self.said = Instant::now();
            events::progress(self.what, self.done, self.total);
        }
    }

    /// So far in a file, and so many users in it.
    pub fn read(&mut self, bytes: u64, users: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(if self.total.is_some() { bytes } else { users });
            let rate = users / bar.elapsed().as_secs().max(1);
            bar.set_message(format!("{} {users} users, {rate}/s", self.what));
        } else if self.said.elapsed() >= LINE {
            self.said = Instant::now();
            events::progress(self.what, users, None);
        }
    }

    /// A line for a person, above the bar.
    pub fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            #[allow(clippy::print_stderr, reason = "for a person, beside the logs")]
            None => eprintln!("{line}"),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
