// Who waits for whom when CloudFormation deploys, read from the templates alone: what it refuses as "Circular dependency
// between resources" is found here before anybody has an account. Knows nothing of Amplify or of our constructs.

import type { Resource, Stack, Template } from './assembly.ts'

/** For each resource of a template, those that have to be there before it. */
export function dependencies(template: Template): ReadonlyMap<string, ReadonlySet<string>> {
  const names = new Set(Object.keys(template.Resources))
  return new Map(Object.entries(template.Resources).map(([name, resource]) => [name, needs(resource, names)]))
}

function needs(resource: Resource, names: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set<string>([resource.DependsOn ?? []].flat())
  collect(resource.Properties, (name) => names.has(name) && found.add(name))
  return found
}

/** Every name that a value refers to by Ref, Fn::GetAtt or Fn::Sub. */
export function collect(value: unknown, found: (name: string) => void): void {
  if (Array.isArray(value)) {
    for (const one of value) collect(one, found)
    return
  }
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'Ref') found(String(inner))
    else if (key === 'Fn::GetAtt') found(String(Array.isArray(inner) ? inner[0] : String(inner).split('.')[0]))
    else if (key === 'Fn::Sub') for (const name of substituted(inner)) found(name)
    collect(inner, found)
  }
}

function substituted(sub: unknown): readonly string[] {
  const text = String(Array.isArray(sub) ? sub[0] : sub)
  return [...text.matchAll(/\$\{([^!.}]+)[^}]*\}/g)].map(([, name]) => name!)
}

/** A circle, as the names along it, the first once more at the end; undefined if there is none. */
export function circle(edges: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] | undefined {
  const done = new Set<string>()
  const visit = (name: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name]
    if (done.has(name)) return undefined
    for (const next of edges.get(name) ?? []) {
      const found = visit(next, [...path, name])
      if (found) return found
    }
    done.add(name)
    return undefined
  }
  for (const name of edges.keys()) {
    const found = visit(name, [])
    if (found) return found
  }
  return undefined
}

/** Which nested stacks of a template need which, by the names that the backend gave them. */
export function stackEdges(stack: Stack): ReadonlyMap<string, ReadonlySet<string>> {
  const names = new Map([...stack.nested].map(([name, inner]) => [inner.logicalId, name]))
  const all = dependencies(stack.template)
  const needed = (id: string): readonly string[] => [...(all.get(id) ?? [])].flatMap((other) => names.get(other) ?? [])
  return new Map([...names].map(([id, name]) => [name, new Set(needed(id))]))
}
