// What each job is told when it is started: pure, from a few facts to the command line of its container. The default of a
// task definition never changes anything (`--dry-run`, a plan, a list), but for `reconcile`, which is what the schedule
// starts; whoever wants more says so in the overrides of `run-task`.

import type { Problems } from '../problems.ts'

/** The jobs, in the order of docs/jobs.md. */
export const JOB_NAMES = ['backfill', 'reconcile', 'adopt', 'quarantine', 'redrive', 'explain', 'check'] as const

export type JobName = (typeof JOB_NAMES)[number]

/** What the command lines depend on. */
export interface CommandFacts {
  /** `s3://bucket/prefix`, without a slash at the end, for what is to outlive the task. */
  readonly files?: string
  readonly reconcile: ReconcileFacts
}

export interface ReconcileFacts {
  readonly fix?: boolean
  readonly noLegacyRows?: boolean
  readonly rate?: number
}

export interface Commands {
  /** Of the task definition. */
  readonly standard: readonly string[]
  /** What one would write into the overrides; the same where nothing is to be chosen. */
  readonly example: readonly string[]
}

/** The result is one line of JSON, whatever stdout is. */
const JSON_RESULT = ['--output', 'json']

export function commandsOf(job: JobName, facts: CommandFacts): Commands {
  const { standard, example = standard } = WRITTEN[job](facts)
  return { standard: [...standard, ...JSON_RESULT], example: [...example, ...JSON_RESULT] }
}

type Written = { readonly standard: readonly string[]; readonly example?: readonly string[] }

const WRITTEN: Readonly<Record<JobName, (facts: CommandFacts) => Written>> = {
  backfill: ({ files }) => ({
    standard: ['backfill', '--from', 'cognito', '--dry-run'],
    example: [
      'backfill',
      '--from',
      'cognito',
      ...(files === undefined
        ? []
        : ['--checkpoint', `${files}/backfill.json`, '--rejects', `${files}/backfill.rejected.jsonl`]),
      '--dry-run',
    ],
  }),
  reconcile: ({ reconcile }) => ({ standard: reconcileCommand(reconcile), example: ['reconcile', '--full'] }),
  adopt: ({ files }) => ({
    standard: [
      'adopt',
      ...(files === undefined
        ? []
        : ['--plan', `${files}/adopt.plan.jsonl`, '--backup', `${files}/adopt.backup.jsonl`]),
    ],
  }),
  quarantine: () => ({
    standard: ['quarantine', 'list'],
    example: ['quarantine', 'show', '--reason', 'owner_conflict'],
  }),
  redrive: () => ({ standard: ['redrive', '--status'], example: ['redrive', '--rate', '50'] }),
  explain: () => ({ standard: ['explain', '--help'], example: ['explain', '<sub>'] }),
  check: () => ({ standard: ['check'] }),
}

/** What the binary would refuse with exit code 78, every hour anew. */
export function checkReconcile({ rate }: ReconcileFacts, problems: Problems): void {
  if (rate === undefined || (rate > 0 && rate <= MOST_CALLS)) return
  problems.add('reconcile.rate', `is not a number above 0 and up to ${MOST_CALLS}`, 'write a number such as 5')
}

/** `--rate` of the jobs that read the pool (worker/src/jobs/pace.rs). */
const MOST_CALLS = 1000

function reconcileCommand({ fix = true, noLegacyRows = false, rate }: ReconcileFacts): readonly string[] {
  return [
    'reconcile',
    ...(fix ? ['--fix', 'missing'] : []),
    ...(noLegacyRows ? ['--no-legacy-rows'] : []),
    ...(rate === undefined ? [] : ['--rate', String(rate)]),
  ]
}
