//! A hundred thousand users, and not one series more: whoever they are, whatever they sent and however their calls
//! failed, nothing of it becomes a label.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test that cannot go on is to stop loudly, at the line where it stopped"
)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::{Profile, ProfileKey, ProfileModel, Timestamp, TriggerSource};
use tokio_util::sync::CancellationToken;
use worker::decide::breaker::Patience;
use worker::decide::decode::Rules;
use worker::delivery::Leases;
use worker::gate::Gate;
use worker::permits::Permits;
use worker::pipeline::{self, Ended, Settings, Shared, Stop, WriteStrategy};
use worker::ports::{
    CallError, ConfirmationQueue, Depth, EntryResults, ErrorClass, Inserted, Message, ProfileTable,
    Quarantine, ReceiptHandle, StoredOwner,
};
use worker::telemetry::{Destinations, Pseudonyms, Telemetry};
use worker::verify;

/// A queue that hands out a message of another user each time, up to as many as there are.
struct Crowd {
    users: u64,
    next: Arc<AtomicU64>,
    stop: CancellationToken,
}

/// A table that is always empty, and fails now and then in words that nobody has heard before.
struct Endless(AtomicU64);

fn unheard_of(n: u64) -> CallError {
    CallError::new(ErrorClass::Unavailable, format!("Unheard{n}"))
}

fn message(n: u64) -> Message {
    let sub = format!("{n:08x}-30f1-70b5-9d0c-5b6c0e0d7a11");
    let source = ["cognito.trigger", "cognito.trigger", "backfill.file", "reconcile"][(n % 4) as usize];
    let body = match n % 1000 {
        7 => format!("{{{n}"),
        _ => format!(
            r#"{{"v":1,"kind":"user.confirmed","source":"{source}","userPoolId":"eu-central-1_Pool{n}","sub":"{sub}",
                "username":"user-{n}","email":"user-{n}@example.com","observedAt":"2026-11-22T20:05:38.123Z"}}"#
        ),
    };
    let sent_at = Timestamp::parse("2026-11-22T20:05:38.123Z").unwrap();
    Message {
        id: format!("message-{n}"),
        handle: ReceiptHandle(format!("receipt-{n}")),
        body,
        receive_count: 1,
        sent_at,
        first_received_at: sent_at,
        traceparent: Some(format!("00-{:032x}-{:016x}-01", n + 1, n + 1)),
        earlier_note: None,
    }
}

impl ConfirmationQueue for Crowd {
    async fn receive(&self, max: u32, _: Duration) -> Result<Vec<Message>, CallError> {
        let from = self.next.fetch_add(u64::from(max), Ordering::Relaxed);
        if from >= self.users {
            self.stop.cancel();
            return Ok(Vec::new());
        }
        if from % 700 < u64::from(max) {
            return Err(unheard_of(from));
        }
        Ok((from..self.users.min(from + u64::from(max))).map(message).collect())
    }

    async fn delete(&self, handles: &[ReceiptHandle]) -> Result<EntryResults, CallError> {
        Ok(handles.iter().map(|_| Ok(())).collect())
    }

    async fn make_visible_after(
        &self,
        entries: &[(ReceiptHandle, Duration)],
    ) -> Result<EntryResults, CallError> {
        Ok(entries.iter().map(|_| Ok(())).collect())
    }

    async fn quarantine(&self, _: Quarantine<'_>) -> Result<(), CallError> {
        Ok(())
    }

    async fn depth(&self) -> Result<Depth, CallError> {
        Ok(Depth::default())
    }
}

impl ProfileTable for Endless {
    async fn insert(&self, _: &Profile) -> Result<Inserted, CallError> {
        Ok(Inserted::Created)
    }

    async fn insert_batch(
        &self,
        profiles: &[&Profile],
    ) -> Result<Vec<Result<Inserted, CallError>>, CallError> {
        let n = self.0.fetch_add(1, Ordering::Relaxed);
        if n % 50 == 49 {
            Err(unheard_of(n))
        } else {
            Ok(profiles.iter().map(|_| Ok(Inserted::Created)).collect())
        }
    }

    async fn owners(&self, keys: &[&ProfileKey]) -> Result<Vec<StoredOwner>, CallError> {
        Ok(vec![StoredOwner::Missing; keys.len()])
    }
}

async fn live_through(users: u64, telemetry: &Telemetry) {
    let (stop, stats) = (Stop::default(), Arc::clone(&telemetry.stats));
    let settings = Settings {
        max_in_flight: 1000,
        max_receivers: 4,
        wait_time: Duration::from_secs(1),
        visibility_timeout: Duration::from_secs(60),
        linger: Duration::from_millis(1),
        write_deadline: Duration::from_secs(10),
        hold_budget: Duration::from_secs(3600),
        drain_deadline: Duration::from_secs(60),
        write_strategy: WriteStrategy::Auto,
    };
    let patience =
        Patience { probe: settings.write_deadline, invite: settings.wait_time, hold: settings.hold_budget };
    let next = Arc::new(AtomicU64::new(0));
    let shared = Arc::new(Shared {
        queue: Crowd { users, next, stop: stop.soft.clone() },
        table: Endless(AtomicU64::new(0)),
        rules: Rules {
            model: ProfileModel::default(),
            user_pools: BTreeSet::new(),
            trigger_sources: BTreeSet::from([TriggerSource::ConfirmSignUp]),
        },
        permits: Permits::new(settings.max_in_flight, Arc::clone(&stats)),
        gate: Gate::new(patience, Arc::clone(&stats)),
        settings,
        stats,
        leases: Arc::new(Leases::default()),
        pseudonyms: Pseudonyms::new(None),
        give_up: CancellationToken::new(),
    });
    assert_eq!(pipeline::run(shared, verify::OFF, stop).await, Ended::Drained);
}

fn series(telemetry: &Telemetry) -> BTreeSet<String> {
    let text = String::from_utf8(telemetry.exposition.text().unwrap()).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.starts_with("target_info"));
    lines.filter_map(|line| line.rsplit_once(' ')).map(|(name, _)| name.to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_users_are_as_many_series_as_two_thousand() {
    let [few, many] = [2_000, 100_000].map(|users| {
        (users, Telemetry::unpushed(Destinations::new("https://sqs/1/confirmations", "UserProfile")).unwrap())
    });
    let mut seen = Vec::new();
    for (users, telemetry) in [few, many] {
        live_through(users, &telemetry).await;
        let created = telemetry.stats.snapshot(tokio::time::Instant::now()).outcomes["created"];
        assert!(created > users * 9 / 10, "{created} of {users}");
        seen.push(series(&telemetry));
    }
    // Whether an item once stood alone in its batch is chance.
    let more: Vec<_> = seen[1].difference(&seen[0]).filter(|series| !series.contains("PutItem")).collect();
    assert_eq!(more, Vec::<&String>::new());
    // The contract's: 50 outcomes, 45 errors, 15 reasons, and the bounds of eight distributions.
    assert!((200..600).contains(&seen[1].len()), "{} series", seen[1].len());
}
