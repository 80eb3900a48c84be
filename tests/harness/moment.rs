//! Where a test of random moments was when it failed: printed with the failure, so that it can be had again.

/// A round that begins at a random moment. Dropped by a panic it says which it was.
pub struct Moment {
    /// Of the dice.
    pub seed: u64,
    /// Which round of the seed.
    pub round: usize,
    /// At which call the worker is to be struck.
    pub calls: usize,
}

impl Drop for Moment {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { seed, round, calls } = self;
            #[allow(clippy::print_stderr, reason = "libtest shows it if the test fails")]
            {
                eprintln!("round {round} of seed {seed}: struck at call {calls}");
            }
        }
    }
}
