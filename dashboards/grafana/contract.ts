// The metrics of GET /metrics, as the worker promises them: names, kinds, labels. Panels, alerts and their checks read it
// from here; npm run live compares it with what a worker really shows. Must never hold a name that the worker does not export.

export type Kind = "counter" | "gauge" | "histogram";

export interface Metric {
  readonly kind: Kind;
  readonly labels: readonly string[];
  /** Why a worker under load may show nothing of it, if it may. */
  readonly mayBeAbsent?: string;
}

const SDK = ["telemetry_sdk_language", "telemetry_sdk_name", "telemetry_sdk_version"] as const;
const messaging = ["messaging_system", "messaging_operation_name", "messaging_destination_name"] as const;

export const METRICS: Readonly<Record<string, Metric>> = {
  profile_worker_outcomes_total: { kind: "counter", labels: ["outcome", "source"] },
  profile_worker_confirmation_to_profile_seconds: { kind: "histogram", labels: ["source"] },
  profile_worker_quarantined_total: { kind: "counter", labels: ["reason"] },
  profile_worker_errors_total: { kind: "counter", labels: ["operation", "class"] },
  profile_worker_in_flight: { kind: "gauge", labels: [] },
  profile_worker_effective_permits: { kind: "gauge", labels: [] },
  profile_worker_breaker_state: { kind: "gauge", labels: [] },
  profile_worker_ready: { kind: "gauge", labels: [] },
  profile_worker_leases_extended_total: { kind: "counter", labels: [] },
  profile_worker_leases_lost_total: { kind: "counter", labels: [] },
  profile_worker_failed_deletes_total: { kind: "counter", labels: [] },
  profile_worker_receives_without_attempt_total: { kind: "counter", labels: [] },
  profile_worker_write_batch_size: { kind: "histogram", labels: [] },
  profile_worker_drain_duration_seconds: {
    kind: "histogram",
    labels: [],
    mayBeAbsent: "counted once in a life, at its end, when nobody may be left to scrape it",
  },
  profile_worker_queue_messages: { kind: "gauge", labels: ["queue", "state"] },
  profile_worker_oldest_received_seconds: { kind: "gauge", labels: [] },
  messaging_client_consumed_messages_total: { kind: "counter", labels: messaging },
  messaging_client_operation_duration_seconds: {
    kind: "histogram",
    labels: [...messaging, "messaging_operation_type", "error_type"],
  },
  messaging_process_duration_seconds: { kind: "histogram", labels: messaging },
  db_client_operation_duration_seconds: {
    kind: "histogram",
    labels: ["db_system_name", "db_operation_name", "error_type"],
  },
  // Of the process itself; the client library counts them where there is /proc.
  process_cpu_seconds_total: { kind: "counter", labels: [] },
  process_resident_memory_bytes: { kind: "gauge", labels: [] },
  process_open_fds: { kind: "gauge", labels: [] },
  process_start_time_seconds: { kind: "gauge", labels: [] },
  target_info: { kind: "gauge", labels: ["service_name", "service_version", "service_instance_id", ...SDK] },
};

/** What Prometheus adds to every series it scrapes. */
export const TARGET_LABELS = ["job", "instance"] as const;

/** What is in CloudWatch of the trigger. The names, the namespace and the dimension of the first are pinned by the Rust test
 * of producer-lambda/src/report.rs; the second is AWS's own. Nothing here was asked of CloudWatch. */
export const TRIGGER = {
  namespace: "ProfileWorker",
  dimension: "function_name",
  metrics: ["enqueued", "ignored", "invalid_event", "enqueue_failed"],
} as const;

export const LAMBDA = {
  namespace: "AWS/Lambda",
  dimension: "FunctionName",
  metrics: ["Errors", "Duration", "Throttles"],
} as const;

/** The names under which a metric is stored: a histogram is three. */
export function storedNames(): Map<string, readonly string[]> {
  const names = new Map<string, readonly string[]>();
  for (const [name, { kind, labels }] of Object.entries(METRICS)) {
    if (kind === "histogram") {
      names.set(`${name}_bucket`, [...labels, "le"]);
      names.set(`${name}_sum`, labels);
      names.set(`${name}_count`, labels);
    } else {
      names.set(name, labels);
    }
  }
  return names;
}

/** The metrics that an expression reads, recorded ones included. Text in quotes is not looked at. */
export function metricsOf(expr: string): Set<string> {
  const bare = expr.replace(/"(?:[^"\\]|\\.)*"/g, '""').replace(/\{[^}]*\}/g, "{}");
  const grouping = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g;
  const names = bare.replace(grouping, " ").match(/[a-zA-Z_:][a-zA-Z0-9_:]*(?!\s*\()\b/g) ?? [];
  return new Set(names.filter((name) => name.includes("_") && !FUNCTIONS.test(name) && !name.startsWith("__")));
}

const FUNCTIONS = /_over_time$|^clamp_|^histogram_quantile$|^label_|^group_/;
