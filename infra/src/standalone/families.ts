// Names of task definitions in a template that is deployed more than once. The CDK makes a family's name of the
// construct's path, which is the same in every stack of one template; `aws ecs run-task --task-definition FAMILY` would
// then start whichever stack was deployed last, on its queue and its table. Here the stack's name takes the path's
// place.

import type { Json } from './json-text.ts'

type Resources = { readonly [id: string]: { readonly Type: string; readonly Properties?: { readonly Family?: Json } } }

const STACK_NAME = { Ref: 'AWS::StackName' }

/** Every name of a family, in properties, policies and outputs alike. */
export function nameFamiliesByStack(template: Json): Json {
  const resources = Object.values((template as unknown as { readonly Resources: Resources }).Resources)
  const families = resources
    .filter(({ Type }) => Type === 'AWS::ECS::TaskDefinition')
    .map(({ Properties }) => Properties?.Family)
    .filter((family) => typeof family === 'string')
  const common = commonBeginning(families)
  return walk(template, families, common)
}

function walk(value: Json, families: readonly string[], common: string): Json {
  if (typeof value === 'string') {
    const parts = split(value, families, common)
    return parts.length === 1 ? value : { 'Fn::Join': ['', parts] }
  }
  if (Array.isArray(value)) return value.map((one) => walk(one, families, common))
  if (typeof value !== 'object' || value === null) return value
  const join = (value as { 'Fn::Join'?: readonly [string, readonly Json[]] })['Fn::Join']
  if (join !== undefined && join[0] === '') {
    const parts = join[1].flatMap((part) =>
      typeof part === 'string' ? split(part, families, common) : [walk(part, families, common)],
    )
    return { 'Fn::Join': ['', parts] }
  }
  return Object.fromEntries(Object.entries(value).map(([key, of]) => [key, walk(of, families, common)]))
}

/** The text, with a reference to the stack's name in front of what tells one family from another. */
function split(text: string, families: readonly string[], common: string): Json[] {
  const family = families.find((one) => text.includes(one))
  if (family === undefined) return [text]
  const at = text.indexOf(family)
  const own = `-${family.slice(common.length)}`
  const [first = '', ...rest] = split(text.slice(at + family.length), families, common)
  const after = typeof first === 'string' ? [own + first, ...rest] : [own, first, ...rest]
  return [...(at > 0 ? [text.slice(0, at)] : []), STACK_NAME, ...after]
}

function commonBeginning(texts: readonly string[]): string {
  const [first = '', ...rest] = texts
  let length = first.length
  while (!rest.every((text) => text.startsWith(first.slice(0, length)))) length -= 1
  return first.slice(0, length)
}
