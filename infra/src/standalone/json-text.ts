// JSON to be read by people and to be small: what fits on a line is on one line. CloudFormation takes 51,200 bytes
// without a bucket, and blanks count.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

const COLUMNS = 120

/** Ends with a line break. */
export const jsonText = (value: unknown): string => `${written(value as Json, 0, 0)}\n`

/** @param before columns that are taken on the first line */
function written(value: Json, depth: number, before: number): string {
  const short = inline(value)
  if (typeof value !== 'object' || value === null || before + short.length <= COLUMNS) return short
  const indent = ' '.repeat(depth + 1)
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  const lines = Array.isArray(value)
    ? value.map((one: Json) => indent + written(one, depth + 1, depth + 2))
    : Object.entries(value).map(([key, of]) => {
        const name = `${indent}${JSON.stringify(key)}: `
        return name + written(of, depth + 1, name.length + 1)
      })
  return `${open}\n${lines.join(',\n')}\n${' '.repeat(depth)}${close}`
}

function inline(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(([key, of]) => `${JSON.stringify(key)}: ${inline(of)}`)
  return `{${members.join(', ')}}`
}
