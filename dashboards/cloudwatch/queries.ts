// Questions to the logs, for Logs Insights. A query may use only fields that the programs really log: they stand in
// log-fields.json, which is held against the queries here and against real lines on the programs' side.

import type { Names } from './names.ts'

export interface SavedQuery {
  readonly name: string
  /** What it answers. */
  readonly title: string
  readonly logs: 'worker' | 'trigger'
  /** The log events it reads; `metrics` are the lines that METRICS_EMF=on prints. */
  readonly events: readonly string[]
  /** Whether it is worth a place on the dashboard, and how it is drawn there. */
  readonly view: 'timeSeries' | 'table' | null
  readonly query: string
}

/** Where the queries of each kind look; nowhere where there is no trigger. */
export const logGroups = (names: Names): Readonly<Record<SavedQuery['logs'], readonly string[]>> => ({
  worker: [names.workerLogGroup],
  trigger: names.triggerLogGroup === undefined ? [] : [names.triggerLogGroup],
})

// What an outage repeats is logged once a second, with how often it was not: what is unsaid counts with the line that says
// so, whose class may be another.
const lines = (...of: string[]): string => of.join('\n| ')

export const QUERIES: readonly SavedQuery[] = [
  {
    name: 'outcomes-over-time',
    title: 'Outcomes in ten minutes, by task, from the status events (a first minute is not seen)',
    logs: 'worker',
    events: ['status'],
    view: null,
    query: lines(
      'filter event = "status"',
      'stats max(created) - min(created) as made, max(already_present) - min(already_present) as present, max(retried) - min(retried) as back, max(owner_conflict) - min(owner_conflict) as conflicts, max(rejected) - min(rejected) as refused, max(lease_lost) - min(lease_lost) as lost by bin(10m) as time, @logStream',
      'sort time desc',
    ),
  },
  {
    name: 'retried-by-class',
    title: 'Messages that went back to the queue, by the class and code of what failed',
    logs: 'worker',
    events: ['retried'],
    view: 'table',
    query: lines(
      'filter event = "retried"',
      'stats count(*) + sum(unsaid) as times, max(attempts) as most_attempts, max(delay_ms) as longest_delay_ms by class, code, outcome',
      'sort times desc',
    ),
  },
  {
    name: 'quarantined-by-reason',
    title: 'Messages sent to the dead-letter queue, by reason',
    logs: 'worker',
    events: ['quarantined'],
    view: 'table',
    query: lines(
      'filter event = "quarantined"',
      'stats count(*) + sum(unsaid) as messages, max(attempts) as most_attempts, latest(detail) as last_detail by reason, outcome',
      'sort messages desc',
    ),
  },
  {
    name: 'one-trace',
    title: 'What became of one sign-up: put its trace id in',
    logs: 'worker',
    events: ['retried', 'quarantined'],
    view: null,
    query: lines(
      'filter trace_id = "00000000000000000000000000000000"',
      'fields @timestamp, event, outcome, reason, class, code, attempts, delay_ms, user',
      'sort @timestamp asc',
    ),
  },
  {
    name: 'breaker',
    title: 'When the table could not be written, and what it answered',
    logs: 'worker',
    events: ['breaker_opened', 'breaker_closed'],
    view: 'table',
    query: lines(
      'filter event in ["breaker_opened", "breaker_closed"]',
      'fields @timestamp, event, class, code, @logStream',
      'sort @timestamp desc',
      'limit 50',
    ),
  },
  {
    name: 'receive-failures',
    title: 'Receives that failed, by class and code',
    logs: 'worker',
    events: ['receive_failed'],
    view: null,
    query: lines(
      'filter event = "receive_failed"',
      'stats count(*) + sum(unsaid) as times, max(failures) as most_in_a_row by class, code, bin(5m) as time',
      'sort time desc',
    ),
  },
  {
    name: 'slowest-minutes',
    title: 'The minutes with most late profiles (needs METRICS_EMF=on)',
    logs: 'worker',
    events: ['metrics'],
    view: null,
    query: lines(
      'filter ispresent(queue_name) and live_profiles > live_profiles_within_objective',
      'stats sum(live_profiles - live_profiles_within_objective) as late, sum(live_profiles) as live, max(breaker_open) as breaker, max(in_flight) as in_hand by bin(1m) as time',
      'sort late desc',
      'limit 20',
    ),
  },
  {
    name: 'trigger-failures',
    title: 'Sign-ups without a message, by class, and what mends it',
    logs: 'trigger',
    events: ['enqueue_failed'],
    view: 'table',
    query: lines(
      'filter message = "enqueue_failed"',
      'stats count(*) as times, latest(@timestamp) as last by class, mend',
      'sort times desc',
    ),
  },
]

// Logs Insights' own words: commands, functions and operators (CloudWatch Logs user guide, "Logs Insights QL query
// syntax"), as far as they are used here.
const WORDS = new Set(
  'filter stats sort fields limit by as in and or asc desc max min sum count latest bin ispresent'.split(' '),
)

/** The fields of the log that a query asks for: not its own names, nor those that CloudWatch adds. */
export function fields(query: string): readonly string[] {
  const bare = query.replace(/"[^"]*"/g, ' ').replace(/bin\([^)]*\)/g, ' ')
  const own = new Set([...bare.matchAll(/\bas\s+(\w+)/g)].map((match) => match[1]))
  const asked = [...bare.matchAll(/(?<![@\w.])[a-z_][\w.]*/g)].map((match) => match[0])
  return [...new Set(asked)].filter((word) => !own.has(word) && !WORDS.has(word)).sort()
}
