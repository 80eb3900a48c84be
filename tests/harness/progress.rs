//! How far a long run is: a bar on a terminal, plain lines elsewhere. On stderr; stdout is the result.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::engine::say;

/// A run of so many steps.
pub struct Progress(Option<ProgressBar>);

impl Progress {
    /// At its beginning.
    pub fn new(steps: usize) -> Self {
        if !stderr().is_terminal() {
            return Self(None);
        }
        let style = ProgressStyle::with_template("{elapsed_precise} {wide_bar:.cyan/blue} {pos}/{len} {msg}");
        let bar = ProgressBar::new(steps as u64).with_style(style.unwrap());
        bar.enable_steady_tick(Duration::from_millis(250));
        Self(Some(bar))
    }

    /// What goes on now.
    pub fn begin(&self, what: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(what.to_owned());
        }
    }

    /// One step is done, of which this is to be said.
    pub fn done(&self, line: &str) {
        self.say(line);
        if let Some(bar) = &self.0 {
            bar.inc(1);
        }
    }

    /// So many steps are done.
    pub fn at(&self, steps: usize) {
        if let Some(bar) = &self.0 {
            bar.set_position(steps as u64);
        }
    }

    /// A line above the bar.
    pub fn say(&self, line: &str) {
        match &self.0 {
            Some(bar) => bar.println(line),
            None => say(line),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
