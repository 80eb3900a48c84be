//! What a table takes in a second. Each partition takes 1,000 write units ("Best practices for designing and using
//! partition keys"), the table what its partitions take together. A new on-demand table takes 4,000; it takes twice
//! its previous peak, and more than that within 30 minutes may be throttled ("DynamoDB on-demand capacity mode",
//! "Initial throughput and scaling properties"). The table's quota is 40,000 unless raised ("Quotas").
//!
//! Read strictly here: capacity doubles once in 30 minutes and never before, unused capacity of more than a second is
//! not saved up, and a partition that is hot is not split for its heat. DynamoDB promises none of the three and
//! often does better.

use std::time::Duration;

/// Write units a second of one partition.
pub const PARTITION: f64 = 1000.0;
/// Write units a second of a new table.
pub const NEW: f64 = 4000.0;
/// Write units a second of a table, by default quota.
pub const QUOTA: f64 = 40_000.0;
/// What has to pass between one peak and twice as much.
pub const WARM_UP: Duration = Duration::from_secs(30 * 60);

/// A peak is a mean of so long: one crowded second is none.
const PEAK: Duration = Duration::from_secs(10);

/// What a table begins with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Provision {
    /// As much as anybody asks for.
    Unlimited,
    /// A new on-demand table, whose capacity may double each time this has passed.
    New(Duration),
    /// One that has seen its quota used before.
    Warm,
}

/// The write capacity of one table.
pub struct Capacity {
    provision: Provision,
    partitions: Vec<Bucket>,
    grown_at: Duration,
    peak: f64,
    window: (Duration, f64),
}

#[derive(Clone, Copy)]
struct Bucket {
    units: f64,
    at: Duration,
}

impl Capacity {
    /// Of a table like this.
    pub fn new(provision: Provision) -> Self {
        let units = match provision {
            Provision::Unlimited => 0.0,
            Provision::New(_) => NEW,
            Provision::Warm => QUOTA,
        };
        let mut capacity = Self {
            provision,
            partitions: Vec::new(),
            grown_at: Duration::ZERO,
            peak: 0.0,
            window: (Duration::ZERO, 0.0),
        };
        capacity.grow_to(Duration::ZERO, units);
        capacity
    }

    /// Write units a second; none where there is no limit.
    pub fn units(&self) -> Option<f64> {
        (!self.partitions.is_empty()).then_some(self.partitions.len() as f64 * PARTITION)
    }

    /// One write unit for a key at this place, of 0..1. `false` is throttling.
    pub fn take(&mut self, now: Duration, place: f64) -> bool {
        if self.provision == Provision::Unlimited {
            return true;
        }
        self.warm_up(now);
        let which = (place * self.partitions.len() as f64) as usize;
        let Some(bucket) = self.partitions.get_mut(which) else { return false };
        let since = now.saturating_sub(bucket.at).as_secs_f64();
        bucket.units = (bucket.units + since * PARTITION).min(PARTITION);
        bucket.at = now;
        let takes = bucket.units >= 1.0;
        if takes {
            bucket.units -= 1.0;
            self.window.1 += 1.0;
        }
        takes
    }

    fn warm_up(&mut self, now: Duration) {
        let Provision::New(warm_up) = self.provision else { return };
        let (since, units) = self.window;
        if now >= since + PEAK {
            self.peak = self.peak.max(units / PEAK.as_secs_f64());
            self.window = (now, 0.0);
        }
        if now >= self.grown_at + warm_up {
            let had = self.partitions.len() as f64 * PARTITION;
            let units = (2.0 * self.peak).min(2.0 * had).min(QUOTA);
            if had < units {
                self.grow_to(now, units);
            }
            self.grown_at = now;
        }
    }

    fn grow_to(&mut self, now: Duration, units: f64) {
        let partitions = (units / PARTITION).round() as usize;
        self.partitions = vec![Bucket { units: PARTITION, at: now }; partitions];
    }
}
