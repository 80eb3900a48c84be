//! stdout, for whoever runs on: it may be closed, and its reader may have stopped reading, and neither may stop or
//! hold up a worker. Results of jobs are printed elsewhere: there, nobody waits behind them.

use std::io::{self, Write};
use std::time::Duration;

/// How long the end of a worker waits for somebody to read.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Writes `text` and the end of its line, and waits until it is written or cannot be. Whoever stops waiting leaves the
/// writing to itself.
pub async fn write(text: String) {
    write_to(io::stdout, text).await;
}

pub(super) async fn write_to<W: Write>(out: impl FnOnce() -> W + Send + 'static, mut text: String) {
    text.push('\n');
    // In one piece, so that lines of others do not come between. A closed stdout is no fault of ours.
    let write = move || {
        let mut out = out();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    };
    let _ = tokio::task::spawn_blocking(write).await;
}
