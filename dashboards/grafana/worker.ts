// The worker's dashboard: does it do its work, and if not, what holds it up? From what people see to what machines do; the
// latter is in machine.ts.

import type * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import { SELECTED as S, labelValues, page } from "./frame.ts";
import { calls, leases, limits, process } from "./machine.ts";
import { HALF, THIRD, chart, named, number, stacked } from "./panels.ts";

const rate = "$__rate_interval";

export function worker(): dashboard.Dashboard {
  return page(
    "worker",
    "What the workers do, and what holds them up. Begin at the top: if the first row is green, sign-ups become profiles.",
    "now-1h",
    [labelValues("job", "Job", "profile_worker_ready"), labelValues("instance", "Worker", 'profile_worker_ready{job=~"$job"}')],
    [
      { title: "In ten seconds", panels: glance() },
      { title: "What becomes of messages", panels: outcomes() },
      { title: "What waits", panels: waiting() },
      { title: "What holds it up", panels: limits() },
      { title: "Calls", panels: calls() },
      { title: "Leases and stops", panels: leases() },
      { title: "The process", panels: process() },
    ],
  );
}

function glance() {
  return [
    number(
      {
        title: "Profiles made per second",
        unit: "ops",
        description:
          "Good: it follows the sign-ups, and is 0 when nobody signs up. Bad: 0 while Waiting in the queue grows; then look at the breaker and at failed calls.",
      },
      { expr: `sum(rate(profile_worker_outcomes_total{${S}, outcome="created"}[${rate}]))`, legend: "made" },
      [[null, "blue"]],
      1,
    ),
    number(
      {
        title: "Table can be written",
        unit: "short",
        description:
          "The breaker of any worker. Good: closed. Bad: open for more than ten minutes; nothing is written, work in hand is held, no polls are started. Run profile-worker check; see the runbook, BreakerOpen.",
      },
      { expr: `max(profile_worker_breaker_state{${S}})`, legend: "breaker" },
      [[null, "green"], [1, "red"]],
    ).mappings(named({ "0": { text: "breaker closed", color: "green" }, "1": { text: "BREAKER OPEN", color: "red" } })),
    number(
      {
        title: "Workers ready",
        unit: "short",
        description:
          "Workers that found queue and table and receive. Good: as many as are meant to run. Bad: 0, or fewer for longer than a deployment; look at /health/ready and at the service's events.",
      },
      { expr: `sum(profile_worker_ready{${S}})`, legend: "ready" },
      [[null, "red"], [1, "green"]],
    ),
    number(
      {
        title: "In the dead-letter queue",
        unit: "short",
        description:
          "Messages visible there now. Good: 0. Bad: anything else; each is a user without a profile or something that was no confirmation. Run profile-worker quarantine list.",
      },
      { expr: `max(profile_worker_queue_messages{${S}, queue="dead_letter", state="visible"})`, legend: "dead letters" },
      [[null, "green"], [1, "orange"]],
    ),
  ];
}

function outcomes() {
  return [
    stacked(
      {
        title: "Deliveries ended, by outcome",
        unit: "ops",
        span: HALF,
        description:
          "Each delivery ends in exactly one outcome. Good: created, and some already_present (repeats, password resets). Bad: retried grows (calls fail), released outside a deployment (an outage longer than the hold budget), any owner_conflict or rejected. The runbook's table of outcomes says what to do.",
      },
      [{ expr: `sum by (outcome) (rate(profile_worker_outcomes_total{${S}}[${rate}])) > 0`, legend: "{{outcome}}" }],
    ),
    chart(
      {
        title: "Messages received",
        unit: "ops",
        span: HALF,
        description:
          "What SQS handed out, by worker, redeliveries included. Good: shared among the workers. Bad: 0 at all of them while messages wait: nobody receives; or far above the outcomes: messages come back.",
      },
      [{ expr: `sum by (instance) (rate(messaging_client_consumed_messages_total{${S}}[${rate}]))`, legend: "{{instance}}" }],
    ),
    stacked(
      {
        title: "Deliveries ended, by who told of them",
        unit: "ops",
        span: HALF,
        description:
          "live: the trigger. backfill, replay, reconcile: jobs, which wait in line behind sign-ups. unknown: no confirmation at all. Good: live follows the application's sign-ups. Bad: live at 0 by day, then look at the trigger's dashboard; unknown at all, then somebody else writes to the queue.",
      },
      [{ expr: `sum by (source) (rate(profile_worker_outcomes_total{${S}}[${rate}])) > 0`, legend: "{{source}}" }],
    ),
    chart(
      {
        title: "Quarantined in an hour, by reason",
        unit: "short",
        span: HALF,
        description:
          "Messages sent to the dead-letter queue, with the reason. Good: none. Bad: any; the runbook's table of quarantine reasons says what each needs. owner_conflict may be a security event.",
      },
      [{ expr: `sum by (reason) (increase(profile_worker_quarantined_total{${S}}[1h])) > 0`, legend: "{{reason}}" }],
    ),
  ];
}

function waiting() {
  return [
    chart(
      {
        title: "Waiting in the queue",
        unit: "short",
        span: THIRD,
        description:
          "As SQS says, every 30 seconds, approximately. Good: visible near 0, or falling during a backfill. Bad: visible grows while workers run: more comes than is written; look at permits and failed calls. delayed: messages that back off.",
      },
      [{ expr: `max by (state) (profile_worker_queue_messages{${S}, queue="source"})`, legend: "{{state}}" }],
    ),
    chart(
      {
        title: "Age of the oldest message received",
        unit: "s",
        span: THIRD,
        description:
          "When it was received, within the last minute; 0 when none was. Good: seconds. Bad: above the line (five minutes) for minutes on end: people wait. A single peak is a message that backs off. During a backfill it is high and means nothing.",
      },
      [{ expr: `max(profile_worker_oldest_received_seconds{${S}})`, legend: "oldest" }],
      300,
    ),
    chart(
      {
        title: "In the dead-letter queue over time",
        unit: "short",
        span: THIRD,
        description:
          "Good: 0. Bad: grows. in_flight for half a minute is somebody who looks (quarantine list). What is in it keeps for 14 days.",
      },
      [{ expr: `max by (state) (profile_worker_queue_messages{${S}, queue="dead_letter"})`, legend: "{{state}}" }],
    ),
  ];
}
