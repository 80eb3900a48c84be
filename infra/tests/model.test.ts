// The model as TOML: another reader finds in it what was put in, and the default is the worker's own.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

import { parse } from 'smol-toml'

import { attributesOf, modelToml, plainNumber, USER_PROFILE } from '../src/model.ts'
import { GOOD } from './models.ts'

test('the default is what the worker has built in', () => {
  const builtIn = readFileSync(join(__dirname, '../../domain/models/user-profile.toml'), 'utf8')
  assert.deepEqual(parse(modelToml(USER_PROFILE)), parse(builtIn))
})

for (const { name, model } of GOOD) {
  test(`written and read again: ${name}`, () => {
    const read = JSON.parse(JSON.stringify(parse(modelToml(model)))) as unknown
    assert.deepEqual(read, JSON.parse(JSON.stringify({ fields: {}, ...model })))
  })

  test(`taken for TOML and not for a path: ${name}`, () => {
    // The rule of worker/src/config/reader.rs.
    assert.match(modelToml(model), /[\n[]/)
  })
}

test('numbers have no exponent', () => {
  const written = [1e-7, -1.5e-10, 1e21, 1.25e22, 0.5, -3, 0].map(plainNumber)
  const expected = ['0.0000001', '-0.00000000015', '1000000000000000000000', '12500000000000000000000', '0.5', '-3', '0']
  assert.deepEqual(written, expected)
})

test('the attributes of an item are key, fields, composites and what is always written', () => {
  const model = {
    ...USER_PROFILE,
    composites: ['tenant#createdAt'],
    key: { partition: { name: 'pk', value: '{sub}' }, sort: { name: 'sk', value: 'x' } },
  }
  const expected = ['__typename', 'createdAt', 'email', 'pk', 'profileOwner', 'sk', 'tenant#createdAt', 'updatedAt']
  assert.deepEqual([...attributesOf(model)].sort(), expected)
})
