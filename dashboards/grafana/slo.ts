// The promise's dashboard: how many new users had their profile within a minute, and how much of the month's budget is left.
// The shares come from the recording rules of alerts/profile-worker.rules.yml, so that page and alert never disagree.

import type * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import { SELECTED as S, SELECTED_JOB as J, labelValues, page } from "./frame.ts";
import { HALF, buckets, chart, number, withLimit } from "./panels.ts";

/** The share of late ones that the goal of 99 % allows. */
const ALLOWED = 0.01;

const live = (window: string): string => `sum(job:profile_worker_live_profiles:increase${window}{${J}})`;
const late = (window: string): string => `sum(job:profile_worker_late_profiles:increase${window}{${J}})`;
const burn = (window: string): string => `${late(window)} / ${live(window)} / ${ALLOWED}`;
const histogram = "profile_worker_confirmation_to_profile_seconds";

export function slo(): dashboard.Dashboard {
  return page(
    "slo",
    "The promise: 99 % of live confirmations have a profile within 60 seconds, over 30 days. Needs the recording rules of alerts/profile-worker.rules.yml; they are a minute behind.",
    "now-6h",
    [labelValues("job", "Job", "profile_worker_ready"), labelValues("instance", "Worker", 'profile_worker_ready{job=~"$job"}')],
    [
      {
        title: "The promise",
        panels: [
          number(
            {
              title: "Within 60 s, last 30 days",
              unit: "percentunit",
              description:
                "The share of live profiles that were made within 60 s of the confirmation. Good: 99 % or more. Bad: less: the promise of this month is broken; put what made it late before anything new.",
            },
            { expr: `1 - ${late("30d")} / ${live("30d")}`, legend: "within 60 s" },
            [[null, "red"], [0.99, "green"]],
            2,
          ),
          number(
            {
              title: "Error budget left, 30 days",
              unit: "percentunit",
              description:
                "How much of the allowed 1 % is unused. Good: more is left of the budget than of the month. Bad: below 0: the promise is broken. Between: go slowly with risky changes.",
            },
            { expr: `1 - ${burn("30d")}`, legend: "left" },
            [[null, "red"], [0, "orange"], [0.25, "green"]],
            1,
          ),
          number(
            {
              title: "Within 60 s, last hour",
              unit: "percentunit",
              description:
                "The same over an hour. Good: 99 % or more; nothing yet when nobody signed up. Bad: less than 85.6 % for long is what pages; look at the worker's dashboard.",
            },
            { expr: `1 - ${late("1h")} / ${live("1h")}`, legend: "within 60 s" },
            [[null, "red"], [0.856, "orange"], [0.99, "green"]],
            2,
          ),
          number(
            {
              title: "Live profiles, last hour",
              unit: "short",
              description:
                "How many people the shares are about. Good: as many as sign up. Bad: 0 by day: see whether the trigger enqueues. Few: shares mean little, and the alerts ask for ten late ones at least.",
            },
            { expr: live("1h"), legend: "profiles" },
            [[null, "blue"]],
            0,
          ),
          withLimit(
            chart(
              {
                title: "How fast the budget burns",
                unit: "short",
                span: HALF,
                description:
                  "1 uses up the budget in exactly 30 days. Good: below 1. Bad: the windows of 5 minutes and 1 hour both above the line (14.4): a page; 30 minutes and 6 hours above 6: a ticket. The short ones say whether it is still going on.",
              },
              ["5m", "30m", "1h", "6h"].map((window) => ({ expr: burn(window), legend: window })),
            ),
            14.4,
          ),
          chart(
            {
              title: "Live profiles in five minutes, and late ones",
              unit: "short",
              span: HALF,
              description:
                "Good: late at 0. Bad: late follows all: everybody waits; a single bump of late: a worker that worked off a backlog.",
            },
            [
              { expr: live("5m"), legend: "live" },
              { expr: late("5m"), legend: "late" },
            ],
          ),
        ],
      },
      {
        title: "From the confirmation to the profile, live",
        panels: [
          withLimit(
            chart(
              {
                title: "How long live users wait",
                unit: "s",
                span: HALF,
                description:
                  "From Cognito's confirmation to the item. Good: p99 of about a second. Bad: p99 near the line (60 s). Between the bounds of the buckets it is an estimate.",
              },
              [0.5, 0.9, 0.99].map((q) => ({
                expr: `histogram_quantile(${q}, sum by (le) (rate(${histogram}_bucket{${S}, source="live"}[$__rate_interval])))`,
                legend: `p${q * 100}`,
              })),
            ),
            60,
          ),
          buckets(
            {
              title: "How many waited how long",
              unit: "s",
              span: HALF,
              description:
                "Live profiles by how long they took. Good: all of it in the lowest rows. Bad: a second band higher up: some go another way (retries, a lost lease); everything moves up: the whole worker is slow.",
            },
            `sum by (le) (increase(${histogram}_bucket{${S}, source="live"}[$__rate_interval]))`,
          ),
        ],
      },
      {
        title: "Outside the promise: backfill, replay, reconcile",
        panels: [
          chart(
            {
              title: "Profiles made by jobs",
              unit: "ops",
              span: HALF,
              description:
                "By source. Good: nothing, or a job that somebody started. Bad: reconcile makes many on every run: the trigger loses confirmations; look at its dashboard.",
            },
            [
              {
                expr: `sum by (source) (rate(profile_worker_outcomes_total{${S}, outcome="created", source=~"backfill|replay|reconcile"}[$__rate_interval]))`,
                legend: "{{source}}",
              },
            ],
          ),
          chart(
            {
              title: "How long they waited, p50 and p99",
              unit: "s",
              span: HALF,
              description:
                "From when the job saw the user to the item. Good: anything; they wait in line, and none of it is in the promise. Bad: it stops while the job still runs.",
            },
            [0.5, 0.99].map((q) => ({
              expr: `histogram_quantile(${q}, sum by (source, le) (rate(${histogram}_bucket{${S}, source!="live"}[$__rate_interval])))`,
              legend: `{{source}} p${q * 100}`,
            })),
          ),
        ],
      },
    ],
  );
}
