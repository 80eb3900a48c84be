// A query over a field that nobody logs answers nothing and says nothing. So: what the queries ask for stands in
// log-fields.json, and what stands there is in events.rs; real lines are held against it by the programs' own tests.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { fields, QUERIES } from '../queries.ts'

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
const LISTED = JSON.parse(read('../log-fields.json')) as Record<'worker' | 'trigger', Record<string, readonly string[]>>
const PRINTED = JSON.parse(read('../emf-metrics.json')) as { worker: { dimension: string; metrics: Record<string, string> } }

/** What each event of events.rs is logged with, from its macros: `name`, `name = …`, `%name`, `?name`. */
function written(source: string): Map<string, Set<string>> {
  const events = new Map<string, Set<string>>()
  for (const macro of source.matchAll(/\b(?:trace|debug|info|warn|error)!\(/g)) {
    const parts: string[] = []
    let depth = 0
    let part = ''
    let quoted = false
    for (const sign of source.slice(macro.index + macro[0].length)) {
      if (sign === '"') quoted = !quoted
      if (!quoted && sign === ')' && depth === 0) break
      if (!quoted && '([{'.includes(sign)) depth++
      if (!quoted && ')]}'.includes(sign)) depth--
      if (!quoted && sign === ',' && depth === 0) {
        parts.push(part)
        part = ''
      } else part += sign
    }
    const named = parts.flatMap((text) => /^\s*[%?]?([a-z_]\w*)\s*(=(?!=)|$)/.exec(text)?.[1] ?? [])
    const event = /event = "(\w+)"/.exec(parts[0] ?? '')?.[1]
    if (event !== undefined) events.set(event, new Set([...(events.get(event) ?? []), ...named]))
  }
  return events
}

test('the fields of a query are told from its words, names and texts', () => {
  const query = 'filter event = "a b" and x.y > 3\n| stats max(attempts) - min(attempts) as most by class, bin(5m) as time, @logStream\n| sort most desc'
  assert.deepEqual(fields(query), ['attempts', 'class', 'event', 'x.y'])
})

test('queries ask for nothing but what is listed, and nothing is listed in vain', () => {
  const used = new Map<string, Set<string>>()
  for (const { name, logs, events, query } of QUERIES) {
    const asked = fields(query)
    const known = events.flatMap((event) => LISTED[logs][event] ?? [])
    assert.deepEqual(asked.filter((field) => !known.includes(field)), [], name)
    for (const event of events) used.set(event, new Set([...(used.get(event) ?? []), ...asked]))
  }
  for (const of of Object.values(LISTED)) {
    for (const [event, listed] of Object.entries(of)) {
      assert.deepEqual(listed.filter((field) => used.get(event)?.has(field) !== true), [], event)
    }
  }
})

test('what is listed of the worker is logged in events.rs, or printed as a metric', () => {
  const events = written(read('../../../worker/src/telemetry/events.rs'))
  assert.ok(events.size > 20)
  for (const [event, listed] of Object.entries(LISTED.worker)) {
    const known = event === 'metrics' ? new Set([PRINTED.worker.dimension, ...Object.keys(PRINTED.worker.metrics)]) : events.get(event)
    assert.deepEqual(listed.filter((field) => known?.has(field) !== true), [], event)
  }
})

test('every event that a query filters by is one of its own', () => {
  for (const { name, events, query } of QUERIES) {
    const named = [...query.matchAll(/"([a-z_]+)"/g)].map((match) => match[1])
    for (const event of named) assert.ok(event !== undefined && events.includes(event), `${name}: ${event}`)
  }
})

test('names are fit for a path, and whatever has a view is drawn by it', () => {
  for (const { name, title } of QUERIES) {
    assert.match(name, /^[a-z]+(-[a-z]+)*$/)
    assert.ok(title.length > 10)
  }
  assert.equal(new Set(QUERIES.map(({ name }) => name)).size, QUERIES.length)
})
