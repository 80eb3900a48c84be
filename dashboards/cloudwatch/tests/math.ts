// The metric math that the alarms use, as the user guide has it ("Using metric math"): a missing value counts as 0 where
// another series of the expression has one, a division by zero drops the data point, and IF asks its condition at each
// time. What is not used is not here, and refused.

/** A value at one time; null where there is no data point. */
export type Value = number | null

type Node =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'series'; readonly id: string }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Node; readonly right: Node }
  | { readonly kind: 'if'; readonly condition: Node; readonly yes: Node; readonly no: Node }

const LEVELS = [['<', '<=', '>', '>=', '==', '!='], ['+', '-'], ['*', '/']]

function parse(text: string): Node {
  const tokens = text.match(/\d+(?:\.\d+)?|[A-Za-z_]\w*|<=|>=|==|!=|[-+*/<>(),]/g) ?? []
  if (tokens.join('') !== text.replace(/\s/g, '')) throw new Error(`unknown signs in: ${text}`)
  let at = 0
  const take = (expected?: string): string => {
    const token = tokens[at++]
    if (token === undefined || (expected !== undefined && token !== expected)) {
      throw new Error(`expected ${expected ?? 'more'}, found ${token ?? 'the end'} in: ${text}`)
    }
    return token
  }
  const level = (depth: number): Node => {
    const operators = LEVELS[depth]
    if (operators === undefined) return atom()
    let left = level(depth + 1)
    while (operators.includes(tokens[at] ?? '')) left = { kind: 'binary', operator: take(), left, right: level(depth + 1) }
    return left
  }
  const atom = (): Node => {
    const token = take()
    if (token === '(') {
      const inner = level(0)
      take(')')
      return inner
    }
    if (token === 'IF') {
      take('(')
      const condition = level(0)
      take(',')
      const yes = level(0)
      take(',')
      const no = level(0)
      take(')')
      return { kind: 'if', condition, yes, no }
    }
    if (/^\d/.test(token)) return { kind: 'number', value: Number(token) }
    if (/^[a-z]\w*$/.test(token)) return { kind: 'series', id: token }
    throw new Error(`${token} is not known here: ${text}`)
  }
  const whole = level(0)
  if (at !== tokens.length) throw new Error(`more than an expression: ${text}`)
  return whole
}

const compute = (operator: string, left: number, right: number): Value => {
  switch (operator) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return right === 0 ? null : left / right
    case '<':
      return Number(left < right)
    case '<=':
      return Number(left <= right)
    case '>':
      return Number(left > right)
    case '>=':
      return Number(left >= right)
    case '==':
      return Number(left === right)
    default:
      return Number(left !== right)
  }
}

const scalar = (node: Node): boolean =>
  node.kind === 'number' || (node.kind === 'binary' && scalar(node.left) && scalar(node.right))

function at(node: Node, series: Readonly<Record<string, Value>>): Value {
  switch (node.kind) {
    case 'number':
      return node.value
    case 'series': {
      const value = series[node.id]
      if (value === undefined) throw new Error(`no series ${node.id}`)
      return value
    }
    case 'if': {
      const condition = at(node.condition, series)
      if (condition === null) return null
      return condition !== 0 ? (at(node.yes, series) ?? 0) : at(node.no, series)
    }
    case 'binary': {
      const left = at(node.left, series)
      const right = at(node.right, series)
      // A number is there at all times and makes no data point of its own.
      const exists = (left !== null && !scalar(node.left)) || (right !== null && !scalar(node.right))
      if (!exists && !scalar(node)) return null
      return compute(node.operator, left ?? 0, right ?? 0)
    }
  }
}

/** The expression at one time, from the series at that time. */
export const evaluate = (expression: string, series: Readonly<Record<string, Value>>): Value =>
  at(parse(expression), series)
