//! The numbers that leave the worker: what is scraped and what is pushed are the same, and are those of the summary;
//! and however many users there are, the series stay as many.

#![allow(clippy::float_cmp, reason = "counts, told as Prometheus tells every number")]

use std::collections::{BTreeMap, BTreeSet};

use harness::http::get;
use harness::{Collector, Person, Personal, eventually, world};
use serde_json::json;
use worker::outcome::{Origin, Outcome};
use worker::telemetry::names::{Kind, Metric};

type Series = BTreeMap<String, f64>;

fn series(text: &str) -> Series {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

async fn scrape(status_url: &str) -> String {
    let (code, text) = get(&status_url.replace("/status.json", "/metrics")).await.unwrap();
    assert_eq!(code, 200, "{text}");
    text
}

fn outcome(series: &Series, outcome: Outcome, origin: Origin) -> f64 {
    let (outcome, origin) = (outcome.name(), origin.name());
    series[&format!("profile_worker_outcomes_total{{outcome=\"{outcome}\",source=\"{origin}\"}}")]
}

#[tokio::test]
async fn every_metric_is_there_and_says_what_the_summary_says() {
    let (world, collector) = (world!(), Collector::start().await);
    let people = Person::crowd(12);
    let worker = world.worker().watched().told_to(&collector).start();
    let url = worker.status_url().await;
    worker.ready().await;
    let first = series(&scrape(&url).await);
    for name in Outcome::ALL {
        for origin in Origin::ALL {
            assert_eq!(outcome(&first, name, origin), 0.0);
        }
    }
    // One is told twice, one by a job, one cannot be read.
    world.send_all(people[..10].iter().map(Person::body)).await;
    world.send(&people[10].body_with(&json!({"source": "backfill.file"}))).await;
    world.send(&people[11].body_with(&json!({"source": "reconcile"}))).await;
    world.send("not JSON").await;
    world.drained().await;
    world.send(&people[0].body()).await;
    let scraped = eventually("all fourteen are counted", async || {
        let scraped = series(&scrape(&url).await);
        let ended: f64 = Outcome::ALL
            .iter()
            .flat_map(|name| Origin::ALL.map(|origin| outcome(&scraped, *name, origin)))
            .sum();
        (ended == 14.0 && scraped["profile_worker_in_flight"] == 0.0).then_some(scraped)
    })
    .await;
    let names: BTreeSet<_> = scraped.keys().map(|name| name.split('{').next().unwrap().to_owned()).collect();
    for metric in Metric::ALL.iter().filter(|metric| **metric != Metric::DrainDuration) {
        let suffix = if matches!(metric.kind(), Kind::Histogram(_)) { "_count" } else { "" };
        let name = format!("{}{suffix}", metric.prometheus_name());
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    for (name, origin, expected) in [
        (Outcome::Created, Origin::Live, 10.0),
        (Outcome::AlreadyPresent, Origin::Live, 1.0),
        (Outcome::Created, Origin::Backfill, 1.0),
        (Outcome::Created, Origin::Reconcile, 1.0),
        (Outcome::Rejected, Origin::Unknown, 1.0),
    ] {
        assert_eq!(outcome(&scraped, name, origin), expected, "{name:?} {origin:?}");
    }
    for (origin, expected) in [("live", 10.0), ("backfill", 1.0), ("reconcile", 1.0)] {
        let name = format!("profile_worker_confirmation_to_profile_seconds_count{{source=\"{origin}\"}}");
        assert_eq!(scraped[&name], expected, "{origin}");
    }
    // The people of these tests were confirmed years ago, and never within the objective.
    let late = |le: &str| {
        scraped
            [&format!("profile_worker_confirmation_to_profile_seconds_bucket{{source=\"live\",le=\"{le}\"}}")]
    };
    assert_eq!((late("60"), late("+Inf")), (0.0, 10.0));
    assert_eq!(scraped["profile_worker_quarantined_total{reason=\"not_json\"}"], 1.0);

    let status = worker.status().await;
    assert_eq!(status["live_profiles_within_objective"], 0);
    let ended = worker.stop().await;
    ended.assert_drained();
    ended.assert_outcomes(&[("created", 12), ("already_present", 1), ("rejected", 1)]);
    // The last push is the whole of it.
    assert_eq!(collector.sum("profile_worker.outcomes"), Some(14.0));
    assert_eq!(collector.sum("messaging.client.consumed.messages"), Some(14.0));
    assert_eq!(collector.count("profile_worker.confirmation_to_profile"), Some(12));
    assert_eq!(collector.count("profile_worker.drain.duration"), Some(1));
    assert_eq!(collector.sum("profile_worker.receives_without_attempt"), Some(0.0));
    let bodies: Vec<_> = people.iter().map(Person::body).collect();
    Personal::of(&bodies).assert_absent(&collector.text(), "the collector");
}

#[tokio::test]
async fn what_the_queues_hold_is_told() {
    let world = world!();
    world.send("not JSON").await;
    world.worker().run_until_empty().await.assert_outcomes(&[("rejected", 1)]);
    let worker = world.worker().watched().start();
    let url = worker.status_url().await;
    let dead = "profile_worker_queue_messages{queue=\"dead_letter\",state=\"visible\"}";
    eventually("the dead letter is told", async || {
        (series(&scrape(&url).await).get(dead) == Some(&1.0)).then_some(())
    })
    .await;
    let status = worker.status().await;
    assert_eq!((&status["dead_letter_messages"], &status["queue"]["visible"]), (&json!(1), &json!(0)));
    worker.stop().await.assert_drained();
}
