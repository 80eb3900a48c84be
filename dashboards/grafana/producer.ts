// The trigger's dashboard: does every confirmation leave the sign-up as a message? The trigger is a Lambda function and is
// not scraped: its own numbers come from CloudWatch, what arrives of them from the workers.

import * as cloudwatch from "@grafana/grafana-foundation-sdk/cloudwatch";
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import type * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";
import { LAMBDA, TRIGGER } from "./contract.ts";
import { SELECTED as S, datasource, labelValues, page } from "./frame.ts";
import { CLOUDWATCH, HALF, THIRD, type Words, chart, emptyChart, withLimit } from "./panels.ts";

interface Metric {
  readonly of: typeof TRIGGER | typeof LAMBDA;
  readonly name: string;
  readonly statistic: string;
}

export function producer(): dashboard.Dashboard {
  const region = new dashboard.TextBoxVariableBuilder("region").label("Region").defaultValue("default");
  const functionName = new dashboard.TextBoxVariableBuilder("function_name").label("Function").defaultValue("producer-lambda");
  return page(
    "producer",
    "Whether confirmations leave the sign-up as messages (CloudWatch), and whether they arrive (Prometheus). Type the function's name above.",
    "now-3h",
    [
      datasource("cloudwatch", "cloudwatch", "CloudWatch"),
      region,
      functionName,
      labelValues("job", "Job", "profile_worker_ready"),
      labelValues("instance", "Worker", 'profile_worker_ready{job=~"$job"}'),
    ],
    [
      { title: "What the trigger says (CloudWatch)", panels: fromTheTrigger() },
      { title: "The function (CloudWatch)", panels: fromLambda() },
      { title: "What arrives at the workers (Prometheus)", panels: fromTheWorkers() },
    ],
  );
}

function fromTheTrigger() {
  const own = (name: string): Metric => ({ of: TRIGGER, name, statistic: "Sum" });
  return [
    asked(
      {
        title: "Confirmations enqueued",
        unit: "short",
        span: HALF,
        description:
          "Events that became messages, and those of trigger sources that are not wanted. Good: enqueued follows the sign-ups. Bad: 0 by day: is the function still the pool's trigger? ignored high: TRIGGER_SOURCES leaves out what is wanted.",
      },
      [own("enqueued"), own("ignored")],
    ),
    asked(
      {
        title: "Confirmations that got no message",
        unit: "short",
        span: HALF,
        description:
          "Good: none. Bad, enqueue_failed: the sign-up went on without a message; mend what the log line says, then run profile-worker reconcile --fix missing. invalid_event: the event had no sub or pool; the log line names the field.",
      },
      [own("enqueue_failed"), own("invalid_event")],
    ),
  ];
}

function fromLambda() {
  const lambda = (name: string, statistic: string): Metric => ({ of: LAMBDA, name, statistic });
  return [
    asked(
      {
        title: "Function errors",
        unit: "short",
        span: THIRD,
        description:
          "Good: 0; the trigger lets a sign-up pass even when it cannot enqueue. Bad: anything else: users see an error though they are confirmed, and the trigger is not called for them again. Read the function's log, then reconcile.",
      },
      [lambda("Errors", "Sum")],
    ),
    withLimit(
      asked(
        {
          title: "Duration, p99",
          unit: "ms",
          span: THIRD,
          description:
            "Good: tens of milliseconds, some hundred at a cold start. Bad: near the line, 2.5 s, the trigger's own deadline; Cognito gives up at 5 s. Then SQS or the network is slow, or the function has too little memory.",
        },
        [lambda("Duration", "p99")],
      ),
      2500,
    ),
    asked(
      {
        title: "Throttles",
        unit: "short",
        span: THIRD,
        description:
          "Calls that Lambda refused. Good: 0. Bad: anything else: the account's or the function's concurrency is used up; sign-ups fail or are delayed. Raise it or reserve some.",
      },
      [lambda("Throttles", "Sum")],
    ),
  ];
}

function fromTheWorkers() {
  const rate = "$__rate_interval";
  return [
    chart(
      {
        title: "Live confirmations that arrived",
        unit: "ops",
        span: THIRD,
        description:
          "Deliveries of live confirmations that ended, by outcome. Good: as many as are enqueued above. Bad: fewer for longer than the queue's age: they wait, or the trigger sends to another queue.",
      },
      [{ expr: `sum by (outcome) (rate(profile_worker_outcomes_total{${S}, source="live"}[${rate}])) > 0`, legend: "{{outcome}}" }],
    ),
    chart(
      {
        title: "Age on arrival",
        unit: "s",
        span: THIRD,
        description:
          "Age of the oldest message when it was received, within the last minute. Good: a second or two: the trigger sends at once and a worker waits for it. Bad: minutes: there are too few workers, or they are held up.",
      },
      [{ expr: `max(profile_worker_oldest_received_seconds{${S}})`, legend: "oldest" }],
      300,
    ),
    chart(
      {
        title: "Arrived and was no confirmation, in an hour",
        unit: "short",
        span: THIRD,
        description:
          "Messages whose body no trigger of ours sends. Good: none. Bad: somebody else writes to the queue, or trigger and worker are of versions that do not know each other; unsupported_version: deploy the newer worker.",
      },
      [
        {
          expr: `sum by (reason) (increase(profile_worker_quarantined_total{${S}, reason=~"not_json|too_deep|too_large|not_a_confirmation|missing_field|invalid_.*|pool_not_allowed|unsupported_version"}[1h])) > 0`,
          legend: "{{reason}}",
        },
      ],
    ),
  ];
}

/** A chart of CloudWatch metrics of the function. */
function asked(words: Words, metrics: readonly Metric[]): timeseries.PanelBuilder {
  const panel = emptyChart(words).datasource(CLOUDWATCH);
  metrics.forEach(({ of, name, statistic }, index) => {
    panel.withTarget(
      new cloudwatch.MetricsQueryBuilder()
        .queryMode(cloudwatch.QueryMode.Metrics)
        .metricQueryType(cloudwatch.MetricQueryType.Search)
        .metricEditorMode(cloudwatch.MetricEditorMode.Builder)
        .id(name.toLowerCase())
        .refId(String.fromCharCode("A".charCodeAt(0) + index))
        .datasource(CLOUDWATCH)
        .region("$region")
        .namespace(of.namespace)
        .metricName(name)
        .dimensions({ [of.dimension]: ["$function_name"] })
        .matchExact(true)
        .statistic(statistic)
        .label(name)
        .expression("")
        .period("60"),
    );
  });
  return panel;
}
