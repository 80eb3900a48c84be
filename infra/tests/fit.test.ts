// What does not fit is found at synth: exactly what the worker itself would refuse, and what only this side knows.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Lazy } from 'aws-cdk-lib'

import { modelToml, type ProfileModel, USER_PROFILE } from '../src/model.ts'
import { Problems } from '../src/problems.ts'
import { checkModel, type Surroundings } from '../src/worker/fit.ts'
import { withDenied, WITH_BINARY } from './binary.ts'
import { BAD, GOOD } from './models.ts'
import { stackOf } from './roles-fixture.ts'

const UNKNOWN: Surroundings = { tableKey: undefined, tableName: undefined, forwardAttributes: undefined }

function problemsOf(model: ProfileModel, surroundings: Partial<Surroundings> = {}): readonly string[] {
  const problems = new Problems(stackOf())
  checkModel(model, { ...UNKNOWN, ...surroundings }, problems)
  try {
    problems.end()
    return []
  } catch (error) {
    return (error as Error).message.split('\n').slice(1).map((line) => line.replace('  - ', ''))
  }
}

/** The one problem there is. */
function problemOf(model: ProfileModel, surroundings: Partial<Surroundings> = {}): string {
  const problems = problemsOf(model, surroundings)
  assert.equal(problems.length, 1, problems.join('\n'))
  return problems[0] ?? ''
}

const SETTINGS = {
  QUEUE_URL: 'https://sqs.eu-central-1.amazonaws.com/111122223333/confirmations',
  TABLE_NAME: 'profiles',
  USER_POOL_IDS: 'eu-central-1_A1b2C3d4E',
}

for (const { name, model } of GOOD) test(`fits: ${name}`, () => assert.deepEqual(problemsOf(model), []))

for (const { name, model } of BAD) {
  test(`refused, by a prop of the model and with a mend: ${name}`, () => {
    const problems = problemsOf(model)
    assert.notEqual(problems.length, 0)
    for (const problem of problems) assert.match(problem, /^model(\.\S.*)?: .+; .+/s)
  })
}

test('the worker refuses what is refused here, and nothing else', WITH_BINARY, () =>
  withDenied(async (ask) => {
    const asked = [...GOOD, ...BAD].map(async ({ name, model, toml }) => {
      const { code } = await ask(['check'], { ...SETTINGS, PROFILE_MODEL: toml ?? modelToml(model) })
      return [name, code]
    })
    // 78: the model is refused; 69: it was read, and then AWS was asked.
    const expected = [...GOOD.map(({ name }) => [name, 69]), ...BAD.map(({ name }) => [name, 78])]
    assert.deepEqual(await Promise.all(asked), expected)
  }))

test('all problems are told at once, each once', () => {
  const key = { partition: { name: 'id', value: '{email}' } }
  const model = { type: 'a b', owner: 'o', composites: ['x'], key, fields: { o: '{' } }
  const props = problemsOf(model).map((problem) => problem.split(':')[0])
  assert.deepEqual(props, ['model.type', 'model.key.partition.value', 'model.key', 'model.fields.o', 'model.composites'])
})

test('numbers that JavaScript does not keep are refused before they become others', () => {
  for (const number of [2 ** 53, 1e21, Number.NaN, Number.POSITIVE_INFINITY]) {
    const model = { ...USER_PROFILE, fields: { profileOwner: '{sub}', n: number } }
    assert.match(problemOf(model), /^model\.fields\.n: is a number that cannot be written down exactly; .*type: 'N'/)
  }
})

test('what TOML cannot hold, and what is known only at deployment, is refused', () => {
  const half = { ...USER_PROFILE, fields: { profileOwner: '{sub}', a: '\ud83d' } }
  assert.match(problemOf(half), /^model\.fields\.a: holds half a surrogate pair/)
  const later = { ...USER_PROFILE, fields: { profileOwner: '{sub}', a: Lazy.string({ produce: () => 'x' }) } }
  assert.match(problemOf(later), /^model\.fields\.a: holds a value that is known only at deployment/)
})

test('an attribute that the trigger does not send is named, with where to add it', () => {
  const model = { ...USER_PROFILE, fields: { profileOwner: '{sub}', t: '{custom:tenant}', l: '{locale}', e: '{email}' } }
  const problem = problemOf(model, { forwardAttributes: ['locale'] })
  const mend = "add 'custom:tenant' to forwardAttributes of ConfirmationIngress"
  assert.equal(problem, `model: uses {custom:tenant}, which the trigger does not send; ${mend}`)
  assert.deepEqual(problemsOf(model, { forwardAttributes: ['locale', 'custom:tenant'] }), [])
  assert.deepEqual(problemsOf(model), [])
})

test('what every message has needs no forwarding', () => {
  const all = '{sub}{username}{userPoolId}{email}{email_verified}{createdAt}{createdAtMs}'
  assert.deepEqual(problemsOf({ ...USER_PROFILE, fields: { profileOwner: all } }, { forwardAttributes: [] }), [])
})

test("the model's key is the table's, in its order", () => {
  const sorted = { ...USER_PROFILE, key: { partition: { name: 'id', value: '{sub}' }, sort: { name: 'sk', value: 'x' } } }
  assert.deepEqual(problemsOf(USER_PROFILE, { tableKey: { partition: 'id' } }), [])
  assert.deepEqual(problemsOf(sorted, { tableKey: { partition: 'id', sort: 'sk' } }), [])
  const other = problemOf(USER_PROFILE, { tableKey: { partition: 'pk' } })
  assert.match(other, /^model\.key: the model's key is \(id\), the table's is \(pk\)/)
  assert.match(problemOf(USER_PROFILE, { tableKey: { partition: 'id', sort: 'sk' } }), /the table's is \(id, sk\)/)
  assert.match(problemOf(sorted, { tableKey: { partition: 'id' } }), /the model's key is \(id, sk\)/)
  assert.match(problemOf(sorted, { tableKey: { partition: 'sk', sort: 'id' } }), /the table's is \(sk, id\)/)
  const later = Lazy.string({ produce: () => 'pk' })
  assert.deepEqual(problemsOf(USER_PROFILE, { tableKey: { partition: later } }), [])
})

const AMPLIFY = (model: string) => `${model}-abcdefghijklmnopqrstuv0123-NONE`

test("another model's table is known by its name, as the worker knows it", WITH_BINARY, () =>
  withDenied(async (ask) => {
    const other = AMPLIFY('Todo')
    const names = [other, AMPLIFY('UserProfile'), 'profiles', 'Todo-NONE', 'Todo-local-NONE', other.toUpperCase()]
    for (const name of names) {
      const { code } = await ask(['check'], { ...SETTINGS, TABLE_NAME: name, PROFILE_MODEL: modelToml(USER_PROFILE) })
      assert.deepEqual([name, problemsOf(USER_PROFILE, { tableName: name }).length], [name, code === 78 ? 1 : 0])
    }
  }))

test("another model's table is refused, unless the model says that it kept it", () => {
  const problem = problemOf(USER_PROFILE, { tableName: AMPLIFY('Todo') })
  assert.match(problem, /^table: .* model Todo, .* UserProfile items; .*'Todo'/)
  assert.deepEqual(problemsOf({ ...USER_PROFILE, table: 'Todo' }, { tableName: AMPLIFY('Todo') }), [])
  const later = Lazy.string({ produce: () => AMPLIFY('Todo') })
  assert.deepEqual(problemsOf(USER_PROFILE, { tableName: later }), [])
})
