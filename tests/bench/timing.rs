//! The times of a run, from when each message was handed out and deleted: pure, of the endpoint's clock.

use std::time::Duration;

use local::sqs::Residence;
use serde::{Deserialize, Serialize};

/// One column of [`Timing::deleted`].
pub(crate) const SLICE: Duration = Duration::from_millis(50);

/// What the endpoint's clock says of one run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Timing {
    /// From the first receive to the last delete.
    pub(crate) seconds: f64,
    /// From the first receive until 99 of 100 messages were deleted.
    pub(crate) seconds_to_99: f64,
    /// Receive to delete, in milliseconds.
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    pub(crate) max_ms: f64,
    /// Send to delete, in milliseconds; of a run whose messages came while it ran.
    pub(crate) sent_p50_ms: f64,
    pub(crate) sent_p99_ms: f64,
    /// Messages deleted in each [`SLICE`] from the first receive on; kept where it is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) deleted: Vec<u32>,
}

/// The times of these messages.
pub(crate) fn timing(residences: &[Residence]) -> Timing {
    let first = residences.iter().map(|one| one.received).min().unwrap_or_default();
    let ends = sorted(residences, |one| one.deleted.saturating_sub(first));
    let times = sorted(residences, Residence::time);
    let ages = sorted(residences, |one| one.age);
    let seconds = |part| at(&ends, part).as_secs_f64();
    let ms = |times: &[Duration], part| at(times, part).as_secs_f64() * 1000.0;
    Timing {
        seconds: seconds(1.0),
        seconds_to_99: seconds(0.99),
        p50_ms: ms(&times, 0.5),
        p99_ms: ms(&times, 0.99),
        p999_ms: ms(&times, 0.999),
        max_ms: ms(&times, 1.0),
        sent_p50_ms: ms(&ages, 0.5),
        sent_p99_ms: ms(&ages, 0.99),
        deleted: slices(&ends),
    }
}

fn sorted(residences: &[Residence], time: impl Fn(&Residence) -> Duration) -> Vec<Duration> {
    let mut times: Vec<_> = residences.iter().map(time).collect();
    times.sort_unstable();
    times
}

/// The smallest that is not below this part of them.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place among some")]
fn at(sorted: &[Duration], part: f64) -> Duration {
    let place = ((part * sorted.len() as f64).ceil() as usize).saturating_sub(1);
    sorted.get(place).copied().unwrap_or_default()
}

fn slices(ends: &[Duration]) -> Vec<u32> {
    let mut slices = Vec::new();
    for end in ends {
        let place = usize::try_from(end.as_nanos() / SLICE.as_nanos()).unwrap();
        slices.resize(slices.len().max(place + 1), 0);
        slices[place] += 1;
    }
    slices
}

impl Timing {
    /// Milliseconds from the first receive until, over four slices, messages were deleted at this rate; in
    /// whole slices. Not a number if they never were.
    pub(crate) fn ms_until(&self, per_second: f64) -> f64 {
        const TOGETHER: usize = 4;
        let enough = per_second * SLICE.as_secs_f64() * TOGETHER as f64;
        let reached = |slices: &[u32]| f64::from(slices.iter().sum::<u32>()) >= enough;
        let first = self.deleted.windows(TOGETHER).position(reached);
        first.map_or(f64::NAN, |place| (place + TOGETHER) as f64 * SLICE.as_secs_f64() * 1000.0)
    }
}
