// The lower half of the worker's dashboard: what holds it up, the calls it makes, its leases, the process.

import { SELECTED as S } from "./frame.ts";
import { HALF, THIRD, chart } from "./panels.ts";

const rate = "$__rate_interval";
const quantile = (q: number, metric: string, by: string, more = ""): string =>
  `histogram_quantile(${q}, sum by (${by}le) (rate(${metric}_bucket{${S}${more}}[${rate}])))`;

export function limits() {
  return [
    chart(
      {
        title: "In hand, and how many may be",
        unit: "short",
        span: HALF,
        description:
          "Messages between receive and settlement, and the adaptive limit. Good: permits well above in flight; permits rise under load. Bad: permits at 10: the table throttles; in flight at permits while messages wait: writes are slow.",
      },
      [
        { expr: `sum(profile_worker_in_flight{${S}})`, legend: "in flight" },
        { expr: `sum(profile_worker_effective_permits{${S}})`, legend: "permits" },
      ],
    ),
    chart(
      {
        title: "Breaker, by worker",
        unit: "short",
        span: HALF,
        description:
          "0 closed, 1 open; also 1 while a worker waits for queue and table at its start. Good: 0 but for a moment at a start. Bad: 1 at all: the table; 1 at one: that worker's network, credentials or version.",
      },
      [{ expr: `max by (instance) (profile_worker_breaker_state{${S}})`, legend: "{{instance}}" }],
    ).max(1),
    chart(
      {
        title: "Failed calls, by operation and class",
        unit: "ops",
        span: HALF,
        description:
          "Good: none. Bad, by class: throttled: raise the capacity or wait; unavailable: AWS or the network; missing: a wrong name, or Amplify recreates the table; denied: role or KMS key, run profile-worker check; refused: the key or the types of the table.",
      },
      [{ expr: `sum by (operation, class) (rate(profile_worker_errors_total{${S}}[${rate}])) > 0`, legend: "{{operation}} {{class}}" }],
    ),
    chart(
      {
        title: "Items in a write",
        unit: "short",
        span: HALF,
        description:
          "How many items one call writes. Good: grows with the load, up to 25, which makes calls cheap; 1 when people sign up singly. Bad: 1 under load: the batches are taken apart, because some item is refused; look at failed calls.",
      },
      [
        { expr: quantile(0.5, "profile_worker_write_batch_size", ""), legend: "p50" },
        { expr: quantile(0.99, "profile_worker_write_batch_size", ""), legend: "p99" },
      ],
    ),
  ];
}

export function calls() {
  const receive = ', messaging_operation_name!="ReceiveMessage"';
  return [
    chart(
      {
        title: "DynamoDB, how long calls take",
        unit: "s",
        span: HALF,
        description:
          "By operation. Good: milliseconds, and p99 a few times p50. Bad: p99 grows toward seconds: the table is slow or throttles; the limit of work in hand follows it down.",
      },
      [
        { expr: quantile(0.5, "db_client_operation_duration_seconds", "db_operation_name, "), legend: "{{db_operation_name}} p50" },
        { expr: quantile(0.99, "db_client_operation_duration_seconds", "db_operation_name, "), legend: "{{db_operation_name}} p99" },
      ],
    ),
    chart(
      {
        title: "SQS, how long calls take",
        unit: "s",
        span: HALF,
        description:
          "By operation; receives are apart, since a long poll on a quiet queue takes 20 seconds by intention. Good: milliseconds. Bad: p99 of seconds: SQS or the network; leases are extended later and may be lost.",
      },
      [
        { expr: quantile(0.5, "messaging_client_operation_duration_seconds", "messaging_operation_name, ", receive), legend: "{{messaging_operation_name}} p50" },
        { expr: quantile(0.99, "messaging_client_operation_duration_seconds", "messaging_operation_name, ", receive), legend: "{{messaging_operation_name}} p99" },
      ],
    ),
    chart(
      {
        title: "Calls answered",
        unit: "ops",
        span: THIRD,
        description:
          "To SQS and DynamoDB, by operation. Good: under load about 250 calls for a thousand messages. Bad: a thousand and more: batches are small, or messages come again and again.",
      },
      [
        { expr: `sum by (messaging_operation_name) (rate(messaging_client_operation_duration_seconds_count{${S}, error_type=""}[${rate}]))`, legend: "{{messaging_operation_name}}" },
        { expr: `sum by (db_operation_name) (rate(db_client_operation_duration_seconds_count{${S}, error_type=""}[${rate}]))`, legend: "{{db_operation_name}}" },
      ],
    ),
    chart(
      {
        title: "A batch, from its turn to its answer",
        unit: "s",
        span: THIRD,
        description:
          "How long a batch takes from its receive until its outcome is known. Good: well below a second. Bad: near 30 s, half of the visibility timeout: leases must be extended; look at DynamoDB's durations.",
      },
      [
        { expr: quantile(0.5, "messaging_process_duration_seconds", ""), legend: "p50" },
        { expr: quantile(0.99, "messaging_process_duration_seconds", ""), legend: "p99" },
      ],
    ),
    chart(
      {
        title: "Answered receives",
        unit: "ops",
        span: THIRD,
        description:
          "Receives that SQS answered, empty ones included. Good: never 0; a quiet queue has three a minute and worker. Bad: 0 at all workers for five minutes: NoReceive pages.",
      },
      [
        {
          expr: `sum by (instance) (rate(messaging_client_operation_duration_seconds_count{${S}, messaging_operation_name="ReceiveMessage", error_type=""}[5m]))`,
          legend: "{{instance}}",
        },
      ],
    ),
  ];
}

export function leases() {
  return [
    chart(
      {
        title: "Leases",
        unit: "ops",
        span: THIRD,
        description:
          "Visibility timeouts extended and lost, by message. Good: few extended, none lost. Bad: lost grows: work takes longer than the timeout and extending fails; messages are received twice, which costs time and never a row. See the runbook, lease_lost grows.",
      },
      [
        { expr: `sum(rate(profile_worker_leases_extended_total{${S}}[${rate}]))`, legend: "extended" },
        { expr: `sum(rate(profile_worker_leases_lost_total{${S}}[${rate}]))`, legend: "lost" },
      ],
    ),
    chart(
      {
        title: "What should stay at 0, in an hour",
        unit: "short",
        span: THIRD,
        description:
          "Good: 0. Bad, failed deletes: those messages come back and are found present; if it grows, the role lacks sqs:DeleteMessage. Bad, polls while the breaker was open: a bug, report it.",
      },
      [
        { expr: `sum(increase(profile_worker_failed_deletes_total{${S}}[1h]))`, legend: "failed deletes" },
        { expr: `sum(increase(profile_worker_receives_without_attempt_total{${S}}[1h]))`, legend: "polls while open" },
      ],
    ),
    chart(
      {
        title: "How long stopping took",
        unit: "s",
        span: THIRD,
        description:
          "The longest drain in an hour, as far as it was scraped before the worker ended. Good: up to the long poll, 20 s. Bad: near DRAIN_DEADLINE (90 s): the table is slow at every deployment, or the deadline is too short.",
      },
      [{ expr: `histogram_quantile(1, sum by (le) (increase(profile_worker_drain_duration_seconds_bucket{${S}}[1h])))`, legend: "drain" }],
    ),
  ];
}

export function process() {
  return [
    chart(
      {
        title: "CPU",
        unit: "short",
        span: THIRD,
        description:
          "Cores in use, by worker. Good: below what the task has. Bad: at it: the worker is held up by itself; give it more or start another.",
      },
      // Over five minutes, because the library counts whole seconds of CPU.
      [{ expr: `sum by (instance) (rate(process_cpu_seconds_total{${S}}[5m]))`, legend: "{{instance}}" }],
    ),
    chart(
      {
        title: "Memory",
        unit: "bytes",
        span: THIRD,
        description:
          "Resident, by worker. Good: level under the same load. Bad: grows for days under the same load: a leak, report it; near the task's limit: lower MAX_IN_FLIGHT.",
      },
      [{ expr: `max by (instance) (process_resident_memory_bytes{${S}})`, legend: "{{instance}}" }],
    ),
    chart(
      {
        title: "Open files",
        unit: "short",
        span: THIRD,
        description:
          "Connections and files, by worker. Good: level, some tens. Bad: grows and never falls: connections leak, report it.",
      },
      [{ expr: `max by (instance) (process_open_fds{${S}})`, legend: "{{instance}}" }],
    ),
    chart(
      {
        title: "Running for",
        unit: "s",
        span: HALF,
        description:
          "Since each worker's start. Good: a line that rises until the next deployment. Bad: teeth: it ends and starts again; its exit code and its last log lines say why.",
      },
      [{ expr: `max by (instance) (time() - process_start_time_seconds{${S}})`, legend: "{{instance}}" }],
    ),
    chart(
      {
        title: "Versions that run",
        unit: "short",
        span: HALF,
        description:
          "Workers by version. Good: one version, two for the minutes of a deployment. Bad: two for long: a deployment hangs or was rolled back.",
      },
      [{ expr: `count by (service_version) (target_info{${S}, service_name="profile-worker"})`, legend: "{{service_version}}" }],
    ),
  ];
}
