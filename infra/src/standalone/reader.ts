// CDK context as it comes: `-c` gives text, cdk.json gives JSON, and the CDK keeps its own keys beside ours. What
// cannot be read is collected, so that all of it is told in one error.

import { type Arn, arnOf } from './arn.ts'

export type Context = { readonly [key: string]: unknown }

export class Reader {
  readonly #context: Context
  readonly #known: readonly string[]
  readonly #problems: string[] = []

  constructor(context: Context, known: readonly string[]) {
    this.#context = context
    this.#known = known
  }

  problem(key: string, fault: string, mend: string): void {
    this.#problems.push(`${key}: ${fault}; ${mend}`)
  }

  /** Throws if anything is wrong. */
  end(): void {
    if (this.#problems.length === 0) return
    throw new Error(
      `The settings (CDK context, -c key=value) cannot be used:\n${this.#problems.map((line) => `  - ${line}`).join('\n')}`,
    )
  }

  /** A key misspelt would otherwise be a setting not given: a new table, say, instead of yours. */
  unknownKeys(): void {
    for (const key of Object.keys(this.#context)) {
      // The CDK's own keys (feature flags, look-ups, plug-ins) have a colon, a slash, an @ or a hyphen.
      if (!/^\w+$/.test(key) || this.#known.includes(key)) continue
      const near = this.#known.find((name) => name.toLowerCase() === key.toLowerCase() || distance(name, key) <= 2)
      this.problem(
        key,
        'is not a setting',
        near === undefined ? `there are: ${this.#known.join(', ')}` : `did you mean ${near}?`,
      )
    }
  }

  raw(key: string): unknown {
    const value = this.#context[key]
    return value === '' || value === null ? undefined : value
  }

  given(key: string): boolean {
    return this.raw(key) !== undefined
  }

  text(key: string): string | undefined {
    const value = this.raw(key)
    if (value === undefined || typeof value === 'string') return value
    this.problem(key, `is ${JSON.stringify(value)}, no text`, 'put it into quotes')
    return undefined
  }

  list(key: string): readonly string[] {
    const value = this.raw(key)
    if (value === undefined) return []
    const parts = Array.isArray(value)
      ? value
      : typeof value === 'string'
        ? value.split(',').map((part) => part.trim())
        : [value]
    if (parts.every((part): part is string => typeof part === 'string' && part !== '')) return parts
    this.problem(key, `is ${JSON.stringify(value)}, no list of names`, 'separate them by commas')
    return []
  }

  yesOrNo(key: string, ifAbsent: boolean): boolean {
    const value = this.raw(key)
    if (value === undefined) return ifAbsent
    if (value === true || value === 'true') return true
    if (value === false || value === 'false') return false
    this.problem(key, `is ${JSON.stringify(value)}`, 'give true or false')
    return ifAbsent
  }

  count(key: string, ifAbsent: number, least: number, most: number): number {
    const value = this.raw(key)
    if (value === undefined) return ifAbsent
    const number = typeof value === 'number' ? value : /^\d+$/.test(String(value)) ? Number(value) : NaN
    if (Number.isInteger(number) && number >= least && number <= most) return number
    this.problem(key, `is ${JSON.stringify(value)}`, `give a whole number from ${least} to ${most}`)
    return ifAbsent
  }

  /** The first one is the default. */
  oneOf<T extends string>(key: string, values: readonly [T, ...T[]]): T {
    const value = this.raw(key)
    if (value === undefined) return values[0]
    const found = values.find((known) => known === value)
    if (found === undefined) this.problem(key, `is ${JSON.stringify(value)}`, `give one of ${values.join(', ')}`)
    return found ?? values[0]
  }

  arn(key: string, service: string, resource: RegExp): (Arn & { readonly key: string }) | undefined {
    const value = this.text(key)
    if (value === undefined) return undefined
    if (service === 'sqs' && value.endsWith('.fifo')) {
      this.problem(key, 'is a FIFO queue', 'profiles need no order: give a standard queue')
      return undefined
    }
    const arn = arnOf(value)
    if (arn !== undefined && arn.service === service && resource.test(arn.resource)) return { ...arn, key }
    this.problem(key, `${value} is no ARN that fits`, `it looks like ${EXAMPLES[service]}`)
    return undefined
  }
}

const EXAMPLES: Record<string, string> = {
  'cognito-idp': 'arn:aws:cognito-idp:eu-central-1:111122223333:userpool/eu-central-1_A1b2C3d4E',
  dynamodb: 'arn:aws:dynamodb:eu-central-1:111122223333:table/UserProfile',
  kms: 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  sns: 'arn:aws:sns:eu-central-1:111122223333:pages',
  sqs: 'arn:aws:sqs:eu-central-1:111122223333:profile-confirmations',
}

/** Levenshtein's, of short names. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
