// Models, good and bad, as tests of the writer, of the checks and of the binary use them.

import { type ProfileModel, USER_PROFILE } from '../src/model.ts'

export interface ModelCase {
  readonly name: string
  readonly model: ProfileModel
  /** What the worker gets where the writer cannot write it: a key that no model has, for one. */
  readonly toml?: string
}

const KEY = { partition: { name: 'id', value: '{sub}' } }

/** The default with something else in it. */
const but = (other: object): ProfileModel => ({ ...USER_PROFILE, ...other })

const fields = (fields: object): ProfileModel => ({ type: 'UserProfile', key: KEY, fields } as ProfileModel)

const key = (partition: string, sort?: object): ProfileModel =>
  ({ type: 'UserProfile', key: { partition: { name: 'id', value: partition }, ...(sort && { sort }) } }) as ProfileModel

export const GOOD: readonly ModelCase[] = [
  { name: 'the default', model: USER_PROFILE },
  { name: 'without fields', model: { type: '_P1', key: KEY } },
  { name: 'a table that was renamed', model: but({ table: 'Member' }) },
  {
    name: 'owner in the key',
    model: { type: 'P', owner: 'who', key: { partition: { name: 'who', value: '{sub}::{username}' } } },
  },
  { name: 'sort key', model: key('USER#{sub}', { name: 'sk', value: 'PROFILE' }) },
  { name: 'sub in the sort key', model: key('{userPoolId}', { name: 'sk', value: '{sub}' }) },
  { name: 'braces', model: fields({ text: '{{literal}} }}{{ {{{email}}}' }) },
  { name: 'quotes, breaks, controls', model: fields({ text: 'a"b\\c\nd\te\u0000f\u007fg\u2028h\'i🙂' }) },
  { name: 'names that need quotes', model: fields({ 'a b': 'x', 'a.b': 'x', 'ä"#\n': 'x', '-_9': 'x', __proto: 'x' }) },
  {
    name: 'constants',
    model: fields({ whole: 10, small: 0.5, tiny: 1e-7, least: 1.5e-36, minus: -3, most: 2 ** 53 - 1, yes: true, t: '10' }),
  },
  {
    name: 'long forms',
    model: fields({
      a: { value: '{email_verified}', type: 'BOOL' },
      b: { value: '{custom:seats}', type: 'N', required: true },
      c: { value: '12.50', type: 'N' },
      d: { value: 'false', type: 'BOOL', required: false },
      e: { value: 7, type: 'N' },
      f: { value: true, type: 'BOOL' },
      g: { value: '{locale}', type: 'S' },
    }),
  },
  {
    name: 'all placeholders',
    model: fields({
      a: '{sub}{username}{userPoolId}{email}{email_verified}{createdAt}{createdAtMs}',
      b: '{custom:x}{dev:custom:y}{cognito:z}{phone_number}{zoneinfo}{updated_at}',
    }),
  },
  {
    name: 'composites',
    model: but({ composites: ['tenant#createdAt', '__typename#id'], fields: { ...USER_PROFILE.fields, tenant: '{custom:t}' } }),
  },
  { name: 'owner that is not required', model: but({ fields: { profileOwner: '{username}' } }) },
]

const raw = (text: string) => `type = "UserProfile"\n${text}\n[key]\npartition = { name = "id", value = "{sub}" }\n`

export const BAD: readonly ModelCase[] = [
  { name: 'no type name', model: but({ type: 'User Profile' }) },
  { name: 'type begins with a digit', model: but({ type: '1User' }) },
  { name: 'empty type', model: but({ type: '' }) },
  { name: 'no table name', model: but({ table: 'a-b' }) },
  { name: 'key without sub', model: key('{username}') },
  { name: 'key that changes', model: key('{sub}{email}') },
  { name: 'key with an attribute', model: key('{sub}{custom:tenant}') },
  { name: 'key with the time', model: key('{sub}{createdAt}') },
  { name: 'empty key value', model: key('') },
  { name: 'the key twice', model: key('{sub}', { name: 'id', value: 'x' }) },
  { name: 'empty name in the key', model: but({ key: { partition: { name: '', value: '{sub}' } } }) },
  { name: 'createdAt in the key', model: key('{sub}', { name: 'createdAt', value: 'x' }) },
  { name: 'brace not closed', model: fields({ a: '{email' }) },
  { name: 'brace in a placeholder', model: fields({ a: '{em{ail}' }) },
  { name: 'brace not opened', model: fields({ a: 'email}' }) },
  { name: 'odd braces', model: fields({ a: '{{{' }) },
  { name: 'placeholder without a name', model: fields({ a: '{}' }) },
  { name: 'spaces in a placeholder', model: fields({ a: '{ email }' }) },
  { name: 'odd space in a placeholder', model: fields({ a: '{custom:x\u0085}' }) },
  { name: 'unknown placeholder', model: fields({ a: '{tenant}' }) },
  { name: 'other case', model: fields({ a: '{Email}' }) },
  { name: 'prefix alone', model: fields({ a: '{custom:}' }) },
  { name: 'empty template', model: fields({ a: '' }) },
  { name: 'empty name', model: fields({ '': 'x' }) },
  { name: '__typename', model: fields({ __typename: 'x' }) },
  { name: 'updatedAt', model: fields({ updatedAt: '{createdAt}' }) },
  { name: 'the key as a field', model: fields({ id: '{sub}' }) },
  { name: 'N that is none', model: fields({ a: { value: 'ten', type: 'N' } }) },
  { name: 'N with an exponent', model: fields({ a: { value: '1e3', type: 'N' } }) },
  { name: 'N of 39 digits', model: fields({ a: { value: '9'.repeat(39), type: 'N' } }) },
  { name: 'N without digits', model: fields({ a: { value: '1.', type: 'N' } }) },
  { name: 'BOOL that is none', model: fields({ a: { value: 'True', type: 'BOOL' } }) },
  { name: 'number as S', model: fields({ a: { value: 5, type: 'S' } }) },
  { name: 'boolean as N', model: fields({ a: { value: true, type: 'N' } }) },
  { name: 'number as BOOL', model: fields({ a: { value: 1, type: 'BOOL' } }) },
  { name: 'a number of too many digits', model: fields({ a: 1.5e-38 }) },
  { name: 'no type', model: fields({ a: { value: 'x', type: 'M' } }) },
  { name: 'owner that is nothing', model: but({ owner: 'nobody' }) },
  { name: 'owner that is always written', model: but({ owner: '__typename' }) },
  { name: 'owner of type N', model: but({ owner: 'n', fields: { n: { value: '{sub}', type: 'N' } } }) },
  { name: 'owner that is a constant', model: but({ owner: 'n', fields: { n: 5 } }) },
  { name: 'owner of all', model: but({ owner: 'email' }) },
  { name: 'owner in the key, of all', model: { ...key('{sub}', { name: 'sk', value: 'x' }), owner: 'sk' } },
  { name: 'composite of one', model: but({ composites: ['email'] }) },
  { name: 'composite of what is not there', model: but({ composites: ['tenant#createdAt'] }) },
  { name: 'composite with an empty part', model: but({ composites: ['email#'] }) },
  {
    name: 'composite that is there',
    model: but({ composites: ['email#id'], fields: { ...USER_PROFILE.fields, 'email#id': 'x' } }),
  },
  { name: 'unknown key', model: { type: 'UserProfile', key: KEY, ownr: 'x' } as ProfileModel, toml: raw('ownr = "x"') },
  {
    name: 'unknown key of a field',
    model: fields({ a: { value: 'x', requird: true } }),
    toml: `${raw('')}[fields]\na = { value = "x", requird = true }\n`,
  },
  {
    name: 'field without a value',
    model: fields({ a: { required: true } }),
    toml: `${raw('')}[fields]\na = { required = true }\n`,
  },
  { name: 'a list as a value', model: fields({ a: ['x'] }), toml: `${raw('')}[fields]\na = ["x"]\n` },
  {
    name: 'required as text',
    model: fields({ a: { value: 'x', required: 'yes' } }),
    toml: `${raw('')}[fields]\na = { value = "x", required = "yes" }\n`,
  },
  { name: 'no key', model: { type: 'UserProfile' } as ProfileModel, toml: 'type = "UserProfile"\n# []' },
  {
    name: 'no partition key',
    model: { type: 'UserProfile', key: { sort: { name: 'id', value: '{sub}' } } } as unknown as ProfileModel,
    toml: 'type = "UserProfile"\n[key]\nsort = { name = "id", value = "{sub}" }',
  },
]
