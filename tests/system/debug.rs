//! `Debug` is what ends up in a log by mistake. Every type that has one and can hold somebody is filled
//! from every fixture and hostile message, and shown.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use domain::{ProfileModel, Timestamp, TriggerSource, body};
use harness::confirmations::fixtures;
use harness::{Personal, fixture, hostile};
use producer_lambda::{Announcement, Config, Producer};
use tokio::time::Instant;
use worker::cli::Cli;
use worker::config;
use worker::decide::again::Again;
use worker::decide::batcher::Batcher;
use worker::decide::decode::{Decoded, Rules};
use worker::decide::fold::{Fold, Group};
use worker::decide::recent::Recent;
use worker::decide::settlement::Happened;
use worker::ports::{CallError, ErrorClass, Inserted, ReceiptHandle, StoredOwner};
use worker::telemetry::Pseudonyms;

fn bodies() -> Vec<String> {
    fixtures("events").into_iter().map(|name| fixture("events", &name)).chain(hostile::bodies()).collect()
}

fn said(bodies: &[String]) -> Personal {
    let mut said = Personal::of(bodies);
    said.add(hostile::MARK);
    said
}

#[test]
fn nothing_that_holds_somebody_shows_him() {
    let bodies = bodies();
    let mut shown = String::new();
    let rules = Rules {
        model: ProfileModel::default(),
        user_pools: [].into(),
        trigger_sources: [TriggerSource::ConfirmSignUp, TriggerSource::ConfirmForgotPassword].into(),
    };
    let sent_at = Timestamp::from_epoch_ms(0).unwrap();
    let mut seen = BTreeMap::new();
    for text in &bodies {
        let mut show = |what: &'static str, it: &dyn std::fmt::Debug| {
            *seen.entry(what).or_insert(0) += 1;
            writeln!(shown, "{what}: {it:?} {it:#?}").unwrap();
        };
        show("body::read", &body::read(text, sent_at, |_| true));
        let decoded = rules.decode(text, sent_at);
        show("Decoded", &decoded);
        let Decoded::Write(write) = decoded else { continue };
        show("Write", &write);
        show("Profile", &write.profile);
        show("ProfileKey", &write.profile.key);
        show("Item", &write.profile.item);
        show("Owner", &write.profile.owner);
        for (_, value) in write.profile.item.iter() {
            show("AttributeValue", value);
        }
        for stored in [StoredOwner::Is(text.clone()), StoredOwner::Missing] {
            show("Inserted", &Inserted::Exists(stored));
        }
        show("ReceiptHandle", &ReceiptHandle(text.clone()));
        show("CallError", &CallError::new(ErrorClass::Refused, "ValidationException"));
        let confirmation = body::read(text, sent_at, |_| true).unwrap().confirmation;
        show("Confirmation", &confirmation);
        show("UserSub", &confirmation.sub);
        show("Username", &confirmation.username);
        let now = Instant::now();
        let mut recent = Recent::new(8, Duration::from_secs(1));
        recent.remember(now, &write.profile.key, text);
        show("Recent", &recent);
        let group = || Group { profile: write.profile.clone(), members: vec![ReceiptHandle(text.clone())] };
        let mut fold = Fold::default();
        assert!(fold.push(group()).is_none());
        show("Fold", &fold);
        let mut again = Again::new(8, Duration::ZERO);
        again.push(now, group(), false);
        show("Again", &again);
        let mut batcher = Batcher::new(8, Duration::from_secs(1));
        assert!(batcher.push(now, write.profile.clone(), ReceiptHandle(text.clone())).is_none());
        show("Batcher", &batcher);
        show("Happened", &Happened::Inserted(Inserted::Exists(StoredOwner::Is(text.clone()))));
    }
    assert!(seen.len() >= 15 && seen.values().all(|count| *count >= 5), "{seen:?}");
    said(&bodies).assert_absent(&shown, "Debug");
}

#[test]
fn no_setting_that_is_a_secret_is_shown() {
    let arguments = [
        "profile-worker",
        "run",
        "--queue-url",
        "http://127.0.0.1:1/1/queue",
        "--table-name",
        "profiles",
        "--log-hash-key",
        "hush-hush",
    ];
    let cli = worker::cli::parse(arguments).unwrap();
    let shown = format!("{cli:?}");
    let Cli { command: worker::cli::Command::Run { written, .. }, .. } = cli else { panic!("{shown}") };
    let config = config::parse(&written).unwrap();
    let pseudonyms = Pseudonyms::new(Some("hush-hush"));
    for shown in [shown, format!("{config:?}"), format!("{pseudonyms:?}")] {
        assert!(!shown.contains("hush"), "{shown}");
    }
}

#[tokio::test]
async fn what_the_trigger_knows_of_somebody_is_not_shown() {
    let bodies = bodies();
    // Nobody listens there: each confirmation fails, the others are invalid or ignored.
    let mut config = Config::queue("http://127.0.0.1:1/1/queue", "eu-central-1");
    config.endpoint_url = Some("http://127.0.0.1:1".to_owned());
    config.credentials = producer_lambda::SharedCredentialsProvider::new(producer_lambda::Credentials::new(
        "AKID", "hush", None, None, "test",
    ));
    let producer = Producer::new(config);
    let mut shown = format!("{producer:?}");
    let mut failed = 0;
    for text in &bodies {
        let Ok(event) = serde_json::from_str(text) else { continue };
        let announced = producer.announce(&event, None).await;
        failed += usize::from(matches!(announced, Announcement::Failed(_)));
        write!(shown, "{announced:?}").unwrap();
    }
    assert!(failed >= 5, "{shown}");
    said(&bodies).assert_absent(&shown, "the trigger's Debug");
}
