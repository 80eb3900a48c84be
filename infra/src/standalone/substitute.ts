// `Fn::Join` as the CDK writes it becomes `Fn::Sub` as a person would: "arn:${AWS::Partition}:sqs:…" is read at a
// glance, and is half as long.

import type { Json } from './json-text.ts'

export function joinsAsSubs(value: Json): Json {
  if (Array.isArray(value)) return value.map(joinsAsSubs)
  if (typeof value !== 'object' || value === null) return value
  const text = textOf(value)
  if (text !== undefined) return text.includes('${') ? { 'Fn::Sub': text } : text
  return Object.fromEntries(Object.entries(value).map(([key, of]) => [key, joinsAsSubs(of)]))
}

/** The text of a join, if everything in it can stand in `Fn::Sub`. */
function textOf(value: Json): string | undefined {
  const join = member(value, 'Fn::Join')
  if (!Array.isArray(join) || !Array.isArray(join[1])) return undefined
  const parts = (join[1] as readonly Json[]).map(partOf)
  return parts.every((part) => part !== undefined) ? parts.join(join[0] as string) : undefined
}

function partOf(value: Json): string | undefined {
  // `${` in text is not a reference.
  if (typeof value === 'string') return value.replaceAll('${', '${!')
  const ref = member(value, 'Ref')
  if (typeof ref === 'string') return `\${${ref}}`
  const attribute = member(value, 'Fn::GetAtt')
  if (Array.isArray(attribute) && attribute.every((one) => typeof one === 'string')) return `\${${attribute.join('.')}}`
  return textOf(value)
}

function member(value: Json, key: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return (value as { readonly [key: string]: Json })[key]
}
