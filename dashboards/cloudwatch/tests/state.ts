// The state of an alarm from its last data points, and of a composite from its children, as the user guide describes
// them ("Alarm evaluation", "Configuring how CloudWatch alarms treat missing data", "Combining alarms").

import type { Missing } from '../alarm.ts'

export type State = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA'

/** A data point: breaching or not, or missing. Oldest first. */
export type Point = boolean | null

/** CloudWatch looks at more data points than an alarm evaluates; in the page's examples five for three. */
export const EXTRA_POINTS = 2

export function alarmState(points: readonly Point[], n: number, m: number, missing: Missing, before: State): State {
  const real = points.filter((point) => point !== null)
  if (real.length >= n) return real.slice(-n).filter(Boolean).length >= m ? 'ALARM' : 'OK'
  const breaching = real.filter(Boolean).length
  const unknown = n - real.length
  switch (missing) {
    case 'breaching':
      return breaching + unknown >= m ? 'ALARM' : 'OK'
    case 'notBreaching':
      return breaching >= m ? 'ALARM' : 'OK'
    case 'missing':
    case 'ignore': {
      if (breaching >= m) return 'ALARM'
      if (real.length > breaching) return 'OK'
      // "Avoiding premature transitions": the oldest breaching point must be as old as M.
      const oldest = points.findIndex((point) => point === true)
      if (missing === 'missing' && oldest !== -1 && points.length - oldest >= m && points.at(-1) === null) return 'ALARM'
      return missing === 'ignore' ? before : 'INSUFFICIENT_DATA'
    }
  }
}

/** A rule: `ALARM("name")`, NOT, AND, OR, brackets. NOT binds closest, then AND. */
export function ruleHolds(rule: string, stateOf: (name: string) => State): boolean {
  const tokens = rule.match(/"[^"]*"|[A-Z_]+|[()]/g) ?? []
  let i = 0
  const take = (expected: string): void => {
    if (tokens[i++] !== expected) throw new Error(`expected ${expected} in: ${rule}`)
  }
  const or = (): boolean => {
    let holds = and()
    while (tokens[i] === 'OR') {
      i++
      const right = and()
      holds = holds || right
    }
    return holds
  }
  const and = (): boolean => {
    let holds = not()
    while (tokens[i] === 'AND') {
      i++
      const right = not()
      holds = holds && right
    }
    return holds
  }
  const not = (): boolean => {
    const token = tokens[i++]
    if (token === 'NOT') return !not()
    if (token === '(') {
      const inner = or()
      take(')')
      return inner
    }
    if (token !== 'ALARM' && token !== 'OK' && token !== 'INSUFFICIENT_DATA') throw new Error(`${token} in: ${rule}`)
    take('(')
    const name = (tokens[i++] ?? '').slice(1, -1)
    take(')')
    return stateOf(name) === token
  }
  const holds = or()
  if (i !== tokens.length) throw new Error(`more than a rule: ${rule}`)
  return holds
}
