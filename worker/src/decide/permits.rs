//! How much may be in hand at once? More than the table can take only makes every message wait longer:
//! with twice the work in hand and the same answers per second, each takes twice the time (Little's
//! law). So the number is found by measuring: it grows by a part of itself while it is what holds work back
//! and calls take as long as ever, and shrinks when they take longer, or by what the table throttles.
//!
//! It grows in proportion and shrinks by the share that was throttled, so that it stays close to what the table
//! takes. Workers on one table need not come to equal shares of it, as senders on one line must (which is why TCP
//! adds, RFC 5681): they have one queue.
//!
//! Must never fall so low that nothing moves, nor exceed what was configured.

use std::mem;
use std::time::Duration;

use tokio::time::Instant;

/// Calls are compared with their like: one item is answered sooner than twenty-five.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// One item.
    One,
    /// Several items.
    Several,
}

/// What a write asked of the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// So many items.
    pub items: usize,
    /// Those it was told to come again with.
    pub throttled: usize,
}

/// The one adaptive number. Receivers and write slots derive from it.
#[derive(Debug, Clone)]
pub struct Effective {
    most: usize,
    limit: usize,
    /// Somebody wanted a permit and there was none, since the last step.
    binding: bool,
    /// Nothing has asked for less so far.
    starting: bool,
    throttling: Throttling,
    /// Something was throttled since the last reading.
    throttled: bool,
    one: Meter,
    several: Meter,
}

/// Where it begins: enough for a thousand messages a second at 100 ms from receipt to deletion.
const FIRST: usize = 100;

/// One step up is this part of it.
const STEP: usize = 16;

/// Slow answers alone push it no lower than this: a table may have become slower for reasons of its own.
const SLOW_FLOOR: usize = 100;

/// Throttling pushes it down to one receive,
const THROTTLED_FLOOR: usize = 10;

/// unless it is less than this part of what is asked for: then no lower than slow answers do. Such throttling hardly
/// depends on what is in hand.
const MILD: usize = 8;

/// Slow answers take off this part of it.
const SLOWER: usize = 5;

/// Throttling takes off what was throttled, and no more than this part of it at a time.
const MOST_THROTTLED: usize = 2;

/// Calls that take longer than this many times their best are waiting for something.
const TOLERANCE: f64 = 2.0;

/// What a busy machine adds to the time of a call that takes none.
const SLACK: Duration = Duration::from_millis(5);

/// A reading is the mean of so many calls at least.
const READING_CALLS: u32 = 4;

/// A reading covers at least this long, so that a step shows before the next is taken.
const READING: Duration = Duration::from_millis(50);

/// The best time is forgotten after between one and two of these: tables change.
const BEST_LASTS: Duration = Duration::from_secs(15);

impl Effective {
    /// At most `most`.
    pub fn new(most: usize) -> Self {
        let most = most.max(1);
        Self {
            most,
            limit: FIRST.min(most),
            binding: false,
            starting: true,
            throttling: Throttling::default(),
            throttled: false,
            one: Meter::default(),
            several: Meter::default(),
        }
    }

    /// Messages that may be in hand.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Write calls that may be on their way: where each item is put by itself, a third of what is in hand
    /// is being written and the rest received or deleted.
    pub fn write_slots(&self) -> usize {
        self.limit.div_ceil(3)
    }

    /// Polls that may be in the air: a message spends a third of its time in hand being received.
    pub fn receivers(&self) -> usize {
        self.limit.div_ceil(30)
    }

    /// Somebody wants a permit and there is none.
    pub fn on_starved(&mut self) {
        self.binding = true;
    }

    /// The table answered a write after `took`.
    pub fn on_answer(&mut self, now: Instant, call: Call, took: Duration, asked: Asked) {
        self.on_asked(now, asked);
        let meter = match call {
            Call::One => &mut self.one,
            Call::Several => &mut self.several,
        };
        match meter.read(now, took) {
            None => {}
            Some(Reading::Slow) => self.shrink(self.limit / SLOWER, SLOW_FLOOR),
            Some(Reading::Steady) if mem::take(&mut self.throttled) => {}
            Some(Reading::Steady) if mem::take(&mut self.binding) => {
                let step = if self.starting { self.limit } else { self.limit.div_ceil(STEP) };
                self.limit = (self.limit + step).min(self.most);
            }
            Some(Reading::Steady) => {}
        }
    }

    /// The table throttled a whole call of so many items.
    pub fn on_throttled(&mut self, now: Instant, items: usize) {
        self.on_asked(now, Asked { items, throttled: items });
    }

    fn on_asked(&mut self, now: Instant, asked: Asked) {
        self.throttled |= asked.throttled > 0;
        if let Some(Asked { items, throttled }) = self.throttling.read(now, asked)
            && throttled > 0
        {
            let part = self.limit * throttled / items.max(1);
            let floor = if throttled * MILD < items { SLOW_FLOOR } else { THROTTLED_FLOOR };
            self.shrink(part.min(self.limit / MOST_THROTTLED), floor);
        }
    }

    /// Takes off so many, down to `floor`.
    fn shrink(&mut self, part: usize, floor: usize) {
        let floor = floor.min(self.most);
        if self.limit > floor {
            self.limit = self.limit.saturating_sub(part).max(floor);
        }
        self.starting = false;
        self.binding = false;
    }
}

/// What was asked of the table, and what of it was throttled.
#[derive(Debug, Clone, Default)]
struct Throttling {
    begun: Option<Instant>,
    calls: u32,
    asked: Asked,
}

impl Throttling {
    /// One more call; a reading when there are enough.
    fn read(&mut self, now: Instant, asked: Asked) -> Option<Asked> {
        let begun = *self.begun.get_or_insert(now);
        self.calls += 1;
        self.asked.items += asked.items;
        self.asked.throttled += asked.throttled;
        if self.calls < READING_CALLS || now.saturating_duration_since(begun) < READING {
            return None;
        }
        Some(mem::take(self).asked)
    }
}

/// How long calls of one kind take, against the best they have taken lately.
#[derive(Debug, Clone, Default)]
struct Meter {
    begun: Option<Instant>,
    calls: u32,
    total: Duration,
    best: Option<Duration>,
    best_before: Option<Duration>,
    best_since: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Steady,
    Slow,
}

impl Meter {
    /// One more call; a reading when there are enough.
    fn read(&mut self, now: Instant, took: Duration) -> Option<Reading> {
        let begun = *self.begun.get_or_insert(now);
        self.calls += 1;
        self.total += took;
        let mean = self.total / self.calls;
        if self.calls < READING_CALLS || now.saturating_duration_since(begun) < READING.max(mean) {
            return None;
        }
        (self.begun, self.calls, self.total) = (None, 0, Duration::ZERO);

        if self.best_since.is_none_or(|since| now >= since + BEST_LASTS) {
            self.best_before = self.best.take();
            self.best_since = Some(now);
        }
        let best = self.best.map_or(mean, |best| best.min(mean));
        self.best = Some(best);
        let reference = self.best_before.map_or(best, |before| before.min(best));
        Some(if mean > reference.mul_f64(TOLERANCE) + SLACK { Reading::Slow } else { Reading::Steady })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FAST: Duration = Duration::from_millis(10);

    /// A write of a full batch, of which so many are throttled.
    fn asked(throttled: usize) -> Asked {
        Asked { items: 25, throttled }
    }

    /// Feeds calls of one length for a while; work always waits for a permit.
    fn run(effective: &mut Effective, now: &mut Instant, call: Call, took: Duration, time: Duration) {
        run_throttled(effective, now, call, took, time, 0);
    }

    fn run_throttled(
        effective: &mut Effective,
        now: &mut Instant,
        call: Call,
        took: Duration,
        time: Duration,
        throttled: usize,
    ) {
        let end = *now + time;
        while *now < end {
            *now += FAST;
            effective.on_starved();
            effective.on_answer(*now, call, took, asked(throttled));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_grows_while_it_holds_work_back_and_only_then() {
        let mut now = Instant::now();
        let mut effective = Effective::new(1000);
        for _ in 0..1000 {
            now += FAST;
            effective.on_answer(now, Call::Several, FAST, asked(0));
        }
        assert_eq!(effective.limit(), FIRST, "grew although nobody wanted more");
        assert_eq!((effective.write_slots(), effective.receivers()), (34, 4));
        run(&mut effective, &mut now, Call::Several, FAST, Duration::from_secs(10));
        assert_eq!(effective.limit(), 1000);
        assert_eq!((effective.write_slots(), effective.receivers()), (334, 34));
    }

    /// The limit after each reading of four full batches in 60 ms.
    fn limits(effective: &mut Effective, now: &mut Instant, throttled: &[usize]) -> Vec<usize> {
        let step = |throttled: &usize| {
            run_throttled(effective, now, Call::Several, FAST, 6 * FAST, *throttled);
            effective.limit()
        };
        throttled.iter().map(step).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn at_first_it_doubles_and_after_something_asked_for_less_it_grows_by_a_sixteenth() {
        let (mut now, mut effective) = (Instant::now(), Effective::new(1000));
        assert_eq!(limits(&mut effective, &mut now, &[0; 5]), [200, 400, 800, 1000, 1000]);
        let (mut now, mut effective) = (Instant::now(), Effective::new(1000));
        assert_eq!(limits(&mut effective, &mut now, &[0, 0, 1, 0, 0]), [200, 400, 384, 408, 434]);
        let (mut now, mut effective) = (Instant::now(), Effective::new(1000));
        run(&mut effective, &mut now, Call::Several, FAST, 6 * FAST);
        run(&mut effective, &mut now, Call::Several, 4 * FAST, 6 * FAST);
        assert_eq!(limits(&mut effective, &mut now, &[0]), [170], "slowness ends the doubling as well");
    }

    #[tokio::test(start_paused = true)]
    async fn where_something_was_throttled_it_does_not_grow_although_calls_take_as_long_as_ever() {
        let (mut now, mut effective) = (Instant::now(), Effective::new(1000));
        let mut after = |throttled, time| {
            run_throttled(&mut effective, &mut now, Call::Several, 30 * FAST, time, throttled);
            effective.limit()
        };
        // One reading of the time takes as long as a call, five or six of the throttling.
        assert_eq!(after(0, 66 * FAST), 400);
        assert_eq!(after(1, 6 * FAST), 384);
        assert_eq!(after(0, 21 * FAST), 384);
        assert_eq!(after(0, 31 * FAST), 408);
    }

    #[tokio::test(start_paused = true)]
    async fn it_shrinks_by_the_share_that_is_throttled_and_by_half_at_most() {
        for (throttled, limit) in [(0, 800), (1, 384), (5, 320), (12, 208), (25, 200)] {
            let (mut now, mut effective) = (Instant::now(), Effective::new(1000));
            assert_eq!(limits(&mut effective, &mut now, &[0, 0, throttled])[2], limit, "{throttled} of 25");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_little_throttling_lowers_it_no_further_than_slowness_and_much_to_one_receive() {
        for (throttled, floor) in
            [(1, SLOW_FLOOR), (3, SLOW_FLOOR), (4, THROTTLED_FLOOR), (25, THROTTLED_FLOOR)]
        {
            let (mut now, mut effective) = (Instant::now(), Effective::new(1000));
            run_throttled(&mut effective, &mut now, Call::Several, FAST, Duration::from_secs(20), throttled);
            assert_eq!(effective.limit(), floor, "{throttled} of 25");
        }
        let (mut now, mut effective) = (Instant::now(), Effective::new(1000));
        run_throttled(&mut effective, &mut now, Call::Several, FAST, Duration::from_secs(20), 25);
        assert_eq!((effective.write_slots(), effective.receivers()), (4, 1));
    }

    /// Calls of one length, answered at these moments; what each of them showed.
    fn readings(meter: &mut Meter, took: u64, moments: &[u64]) -> Vec<Option<Reading>> {
        let start = Instant::now();
        let ms = Duration::from_millis;
        moments.iter().map(|moment| meter.read(start + ms(*moment), ms(took))).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_reading_takes_four_calls_and_fifty_milliseconds_or_as_long_as_one_call() {
        let steady = Some(Reading::Steady);
        assert_eq!(readings(&mut Meter::default(), 1, &[0, 60, 120, 180]), [None, None, None, steady]);
        assert_eq!(readings(&mut Meter::default(), 1, &[0, 0, 0, 0, 49, 50])[3..], [None, None, steady]);
        assert_eq!(readings(&mut Meter::default(), 200, &[0, 60, 120, 180, 200])[3..], [None, steady]);
    }

    #[tokio::test(start_paused = true)]
    async fn slow_is_more_than_twice_the_best_and_what_a_busy_machine_adds() {
        for (took, reading) in [(25, Reading::Steady), (26, Reading::Slow)] {
            let mut meter = Meter::default();
            readings(&mut meter, 10, &[0, 20, 40, 60]);
            assert_eq!(readings(&mut meter, took, &[100, 120, 140, 160])[3], Some(reading), "{took} ms");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_take_longer_shrink_it_to_its_floor_and_no_further() {
        let mut now = Instant::now();
        let mut effective = Effective::new(1000);
        run(&mut effective, &mut now, Call::Several, FAST, Duration::from_secs(10));
        run(&mut effective, &mut now, Call::Several, 4 * FAST, Duration::from_secs(1));
        assert!(effective.limit() < 300, "{}", effective.limit());
        run(&mut effective, &mut now, Call::Several, 4 * FAST, Duration::from_secs(5));
        assert_eq!(effective.limit(), SLOW_FLOOR);
    }

    #[tokio::test(start_paused = true)]
    async fn a_table_that_has_become_slower_for_good_is_the_new_measure() {
        let mut now = Instant::now();
        let mut effective = Effective::new(1000);
        run(&mut effective, &mut now, Call::Several, FAST, Duration::from_secs(5));
        run(&mut effective, &mut now, Call::Several, 4 * FAST, 3 * BEST_LASTS);
        assert!(effective.limit() > SLOW_FLOOR, "held down by a best that is long past");
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_is_not_slow_for_taking_longer_than_a_put() {
        let mut now = Instant::now();
        let mut effective = Effective::new(1000);
        run(&mut effective, &mut now, Call::One, FAST, 6 * FAST);
        let before = effective.limit();
        run(&mut effective, &mut now, Call::Several, 10 * FAST, Duration::from_secs(1));
        assert!(effective.limit() > before);
    }

    #[tokio::test(start_paused = true)]
    async fn calls_throttled_as_a_whole_count_and_what_was_in_the_air_together_counts_once() {
        let now = Instant::now();
        let mut effective = Effective::new(1000);
        for _ in 0..50 {
            effective.on_throttled(now, 25);
        }
        assert_eq!(effective.limit(), FIRST, "before there was time to see anything");
        effective.on_throttled(now + READING, 25);
        assert_eq!(effective.limit(), FIRST / 2);
        for nth in 1..100 {
            effective.on_throttled(now + nth * READING, 25);
        }
        assert_eq!(effective.limit(), THROTTLED_FLOOR);
    }

    proptest! {
        #[test]
        fn it_stays_between_something_and_what_was_configured(
            most in 0..3000_usize,
            steps in prop::collection::vec((0..4_u8, 0..200_u64), 0..300),
        ) {
            let mut now = Instant::now();
            let mut effective = Effective::new(most);
            for (step, ms) in steps {
                now += Duration::from_millis(ms);
                match step {
                    0 => effective.on_throttled(now, 25),
                    1 => effective.on_starved(),
                    2 => effective.on_answer(now, Call::One, Duration::from_millis(ms), Asked { items: 1, throttled: 0 }),
                    _ => effective.on_answer(now, Call::Several, Duration::from_millis(ms), asked(usize::try_from(ms).unwrap() / 8)),
                }
                prop_assert!((1..=most.max(1)).contains(&effective.limit()));
                prop_assert!(effective.write_slots() >= 1 && effective.receivers() >= 1);
            }
        }
    }
}
