// The committed template is the one that would be made now, and every name in it is a parameter.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { alarms } from '../alarms.ts'
import { compositeAlarms } from '../composites.ts'
import { QUERIES } from '../queries.ts'
import { template, templateText } from '../template.ts'
import { SAMPLE } from './sample.ts'

interface Template {
  readonly Parameters: Record<string, { Default?: string }>
  readonly Resources: Record<string, { Type: string; DependsOn?: string[]; Properties: Record<string, unknown> }>
}

const made = template() as unknown as Template

test('template.json is up to date: npm run generate', () => {
  assert.ok(readFileSync(new URL('../template.json', import.meta.url), 'utf8') === templateText())
})

test('it has every alarm, the dashboard and every query', () => {
  const types = Object.values(made.Resources).map(({ Type }) => Type)
  const count = (type: string): number => types.filter((one) => one === type).length
  assert.equal(count('AWS::CloudWatch::Alarm'), alarms(SAMPLE).length)
  assert.equal(count('AWS::CloudWatch::CompositeAlarm'), compositeAlarms(SAMPLE).length)
  assert.equal(count('AWS::Logs::QueryDefinition'), QUERIES.length)
  assert.equal(count('AWS::CloudWatch::Dashboard'), 1)
})

test('names are parameters, all of them used, and none is left unfilled', () => {
  const used = new Set<string>()
  const walk = (value: unknown, key = ''): void => {
    if (typeof value === 'string') {
      if (key === 'Ref') used.add(value)
      else if (key === 'Fn::Sub') for (const [, name] of value.matchAll(/\$\{([\w:]+)\}/g)) used.add(name ?? '')
      else assert.ok(!value.includes('${'), `${key}: ${value}`)
    } else if (typeof value === 'object' && value !== null) {
      for (const [inner, of] of Object.entries(value)) walk(of, Array.isArray(value) ? key : inner)
    }
  }
  walk(made.Resources)
  const own = [...used].filter((name) => !name.startsWith('AWS::'))
  assert.deepEqual(own.sort(), Object.keys(made.Parameters).sort())
})

test('a composite is made after the alarms it names', () => {
  for (const [id, { Type, DependsOn }] of Object.entries(made.Resources)) {
    if (Type !== 'AWS::CloudWatch::CompositeAlarm') continue
    assert.ok((DependsOn ?? []).length > 0, id)
    for (const child of DependsOn ?? []) assert.match(made.Resources[child]?.Type ?? '', /Alarm$/, `${id}: ${child}`)
  }
})

test('the dashboard stays JSON when its parameters are filled in', () => {
  const { DashboardBody: body } = made.Resources.Dashboard?.Properties as { DashboardBody: { 'Fn::Sub': string } }
  const filled = body['Fn::Sub'].replace(/\$\{[\w:]+\}/g, 'name')
  assert.ok(Array.isArray((JSON.parse(filled) as { widgets: unknown }).widgets))
})
