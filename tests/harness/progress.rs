//! How far the benchmark is: a bar on a terminal, plain lines elsewhere. On stderr; stdout is the result.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// One step for every run.
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    pub(crate) fn new(runs: usize) -> Self {
        if !stderr().is_terminal() {
            return Self(None);
        }
        let style = ProgressStyle::with_template("{elapsed_precise} {wide_bar:.cyan/blue} {pos}/{len} {msg}");
        let bar = ProgressBar::new(runs as u64).with_style(style.unwrap());
        bar.enable_steady_tick(Duration::from_millis(250));
        Self(Some(bar))
    }

    pub(crate) fn begin(&self, run: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(run.to_owned());
        }
    }

    pub(crate) fn done(&self, line: &str) {
        match &self.0 {
            Some(bar) => {
                bar.println(line);
                bar.inc(1);
            }
            None => eprintln!("{line}"),
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
