// The dashboard: first whether anything is wrong, then the way of a message from the trigger to the table, then the
// logs. Green is what should happen, red what should not; every line has a word beside its colour.

import { deadLetters, lambda, operation, queue, reconcile, table, trigger, worker } from './metrics.ts'
import { type Names, alarmArn, alertsOf, runbook } from './names.ts'
import { QUERIES, logGroups } from './queries.ts'
import { type Content, type Line, type Widget, graph, grid, log, markdown, states } from './widgets.ts'

const GREEN = '#2ca02c'
const BLUE = '#1f77b4'
const ORANGE = '#ff7f0e'
const RED = '#d62728'
const GREY = '#7f7f7f'

/** The body of the dashboard; whoever makes it turns it into text. */
export interface Dashboard {
  readonly name: string
  readonly body: { readonly start: string; readonly periodOverride: 'inherit'; readonly widgets: readonly Widget[] }
}

const runbookLink = (names: Names): string =>
  names.repository === undefined ? `\`${runbook(names)}\`` : `the [runbook](${runbook(names)})`

interface Row {
  readonly height: number
  readonly of: readonly Content[]
}

function triggerRow(names: Names): readonly Row[] {
  const { functionName } = names
  if (functionName === undefined) return []
  return [
    {
      height: 6,
      of: [
        graph(names.region, {
          title: 'Trigger: what became of its events',
          unit: 'events a minute',
          stacked: true,
          lines: [
            { label: 'enqueued', metric: trigger(functionName, 'enqueued'), color: GREEN },
            { label: 'ignored', metric: trigger(functionName, 'ignored'), color: GREY },
            { label: 'invalid', metric: trigger(functionName, 'invalid_event'), color: ORANGE },
            { label: 'enqueue failed', metric: trigger(functionName, 'enqueue_failed'), color: RED },
          ],
        }),
        graph(names.region, {
          title: 'Trigger: calls that failed a sign-up',
          unit: 'calls a minute',
          lines: [
            { label: 'calls', metric: lambda(functionName, 'Invocations'), color: GREY },
            { label: 'errors', metric: lambda(functionName, 'Errors'), color: RED },
            { label: 'throttled', metric: lambda(functionName, 'Throttles'), color: ORANGE },
          ],
        }),
        graph(names.region, {
          title: 'Trigger: how long a sign-up waits for it (Cognito gives up after 5 s)',
          unit: 'milliseconds',
          limit: { label: 'its own deadline', value: 2500 },
          lines: [
            { label: 'half are faster', metric: lambda(functionName, 'Duration'), stat: 'p50', color: GREEN },
            { label: '99 of 100 are faster', metric: lambda(functionName, 'Duration'), stat: 'p99', color: ORANGE },
            { label: 'slowest', metric: lambda(functionName, 'Duration'), stat: 'Maximum', color: RED },
          ],
        }),
      ],
    },
  ]
}

export function dashboard(names: Names): Dashboard {
  const show = (of: Parameters<typeof graph>[1]): Content => graph(names.region, of)
  const of = (name: string, label: string, color: string, stat = 'Sum'): Line => ({
    label,
    color,
    stat,
    metric: worker(names, name),
  })
  const rows: Row[] = [
    {
      height: 2,
      of: [
        markdown(
          `# Profiles\nEvery confirmed user gets exactly one profile, soon. What is red below has a heading in ${runbookLink(names)}. Graphs of the worker need \`METRICS_EMF=on\`.`,
        ),
      ],
    },
    { height: 4, of: [states('Alerts', alertsOf(names).map((alert) => alarmArn(names, alert)))] },
    {
      height: 6,
      of: [
        show({
          title: 'Live confirmations with a profile within 60 s, of an hour (goal 99 %)',
          unit: 'percent',
          period: 3600,
          max: 100,
          limit: { label: 'goal', value: 99 },
          lines: [
            { label: 'live', metric: worker(names, 'live_profiles'), id: 'live', hidden: true },
            { label: 'within', metric: worker(names, 'live_profiles_within_objective'), id: 'good', hidden: true },
            { label: 'within 60 s', expression: '100 * good / live', id: 'share', color: GREEN },
          ],
        }),
        show({
          title: 'From confirmation to profile, live',
          unit: 'seconds',
          limit: { label: 'objective', value: 60 },
          lines: [
            of('confirmation_to_profile', 'half are faster', GREEN, 'p50'),
            of('confirmation_to_profile', '99 of 100 are faster', ORANGE, 'p99'),
            of('confirmation_to_profile', 'slowest', RED, 'Maximum'),
          ],
        }),
        show({
          title: 'Outcomes of deliveries',
          unit: 'deliveries a minute',
          stacked: true,
          lines: [
            of('created', 'created', GREEN),
            of('already_present', 'already present', BLUE),
            of('retried', 'retried', ORANGE),
            of('released', 'released', GREY),
            of('lease_lost', 'lease lost', '#9467bd'),
            of('ignored', 'ignored', '#c7c7c7'),
            of('user_gone', 'user gone', '#8c564b'),
            of('owner_missing', 'owner missing', '#e377c2'),
            of('owner_conflict', 'owner conflict', RED),
            of('rejected', 'rejected', '#8b0000'),
          ],
        }),
      ],
    },
    ...triggerRow(names),
    {
      height: 6,
      of: [
        show({
          title: 'Queue: messages',
          unit: 'messages',
          stacked: true,
          lines: [
            { label: 'waiting', metric: queue(names, 'ApproximateNumberOfMessagesVisible'), stat: 'Maximum', color: BLUE },
            { label: 'in flight', metric: queue(names, 'ApproximateNumberOfMessagesNotVisible'), stat: 'Maximum', color: GREEN },
            { label: 'delayed', metric: queue(names, 'ApproximateNumberOfMessagesDelayed'), stat: 'Maximum', color: GREY },
          ],
        }),
        show({
          title: 'Queue: age of the oldest message',
          unit: 'seconds',
          limit: { label: 'pages after three minutes', value: 300 },
          lines: [{ label: 'oldest', metric: queue(names, 'ApproximateAgeOfOldestMessage'), stat: 'Maximum', color: ORANGE }],
        }),
        show({
          title: 'Queue: in and out',
          unit: 'a minute',
          lines: [
            { label: 'sent', metric: queue(names, 'NumberOfMessagesSent'), color: BLUE },
            { label: 'received', metric: queue(names, 'NumberOfMessagesReceived'), color: ORANGE },
            { label: 'deleted', metric: queue(names, 'NumberOfMessagesDeleted'), color: GREEN },
            { label: 'empty receives', metric: queue(names, 'NumberOfEmptyReceives'), color: GREY },
          ],
        }),
        show({
          title: 'Dead-letter queue: messages that need a person',
          unit: 'messages',
          lines: [
            { label: 'waiting', metric: deadLetters(names, 'ApproximateNumberOfMessagesVisible'), stat: 'Maximum', color: RED },
          ],
        }),
      ],
    },
    {
      height: 6,
      of: [
        show({
          title: 'Worker: messages in hand, and how many may be (of one task)',
          unit: 'messages',
          lines: [
            of('in_flight', 'in hand', BLUE, 'Maximum'),
            of('effective_permits', 'may be', GREY, 'Maximum'),
          ],
        }),
        show({
          title: 'Worker: breaker (1: the table takes no writes, no messages are asked for)',
          unit: 'open',
          max: 1,
          lines: [of('breaker_open', 'open', RED, 'Maximum')],
        }),
        show({
          title: 'Worker: calls that failed, leases that were lost',
          unit: 'a minute',
          lines: [of('failed_calls', 'failed calls', ORANGE), of('leases_lost', 'leases lost', RED)],
        }),
        show({
          title: 'Worker: receives that were answered',
          unit: 'receives a minute',
          lines: [of('answered_receives', 'answered', GREEN)],
        }),
      ],
    },
    {
      height: 6,
      of: [
        show({
          title: 'Table: write capacity consumed',
          unit: 'units a minute',
          lines: [{ label: 'consumed', metric: table(names, 'ConsumedWriteCapacityUnits'), color: BLUE }],
        }),
        show({
          title: 'Table: writes throttled, errors of the service',
          unit: 'a minute',
          lines: [
            { label: 'writes throttled', metric: table(names, 'WriteThrottleEvents'), color: RED },
            { label: 'PutItem throttled', metric: operation(names, 'ThrottledRequests', 'PutItem'), color: ORANGE },
            { label: 'PutItem: service error', metric: operation(names, 'SystemErrors', 'PutItem'), color: GREY },
          ],
        }),
        show({
          title: 'Table: how long a PutItem takes',
          unit: 'milliseconds',
          lines: [
            { label: 'mean', metric: operation(names, 'SuccessfulRequestLatency', 'PutItem'), stat: 'Average', color: GREEN },
            { label: 'slowest', metric: operation(names, 'SuccessfulRequestLatency', 'PutItem'), stat: 'Maximum', color: ORANGE },
          ],
        }),
      ],
    },
  ]
  const pool = names.userPoolId
  if (pool !== undefined) {
    const found = (name: string, label: string, color: string): Line => ({
      label,
      color,
      stat: 'Maximum',
      metric: reconcile(pool, name),
    })
    rows.push({
      height: 6,
      of: [
        show({
          title: 'Reconcile: users without a profile, at each run',
          unit: 'users',
          period: 300,
          lines: [
            found('ReconcileMissing', 'missing', RED),
            found('ReconcileMissingInGrace', 'missing, a moment ago', GREY),
            found('ReconcileEnqueued', 'enqueued', GREEN),
          ],
        }),
        show({
          title: 'Reconcile --full: rows that are not as they should be',
          unit: 'rows',
          period: 300,
          lines: [
            found('ReconcileOrphan', 'orphan', ORANGE),
            found('ReconcileDuplicate', 'duplicate', '#9467bd'),
            found('ReconcileOwnerConflict', 'owner conflict', RED),
            found('ReconcileMalformed', 'malformed', '#8b0000'),
            found('ReconcileLegacy', 'legacy', GREY),
          ],
        }),
        show({
          title: 'Reconcile: users and profiles',
          unit: 'count',
          period: 300,
          lines: [found('ReconcileUsers', 'users', BLUE), found('ReconcileProfiles', 'profiles', GREEN)],
        }),
      ],
    })
  }
  const logs = logGroups(names)
  const shown = QUERIES.flatMap((query) =>
    query.view === null ? [] : logs[query.logs].map((group) => log(names.region, query.title, group, query.query, query.view ?? '')),
  )
  rows.push({ height: 6, of: shown.slice(0, 2) }, { height: 6, of: shown.slice(2) })
  return { name: names.prefix, body: { start: '-PT3H', periodOverride: 'inherit', widgets: grid(rows) } }
}
