// The profile model, typed: what docs/model.md says as TOML. The worker reads the TOML; nothing here decides what an item
// looks like, and nothing here checks (worker/fit.ts does).

/** A value of a field: a constant, or text with placeholders such as `{sub}`, `{email}` or `{custom:tenant}`. */
export type FieldValue = string | number | boolean

/** The long form of a field. */
export interface Field {
  readonly value: FieldValue
  /** @default by the value: a string makes S */
  readonly type?: 'S' | 'N' | 'BOOL'
  /** A user who cannot fill it gets no item and is quarantined. @default false */
  readonly required?: boolean
}

/** An attribute of the table's key and what it is made of; only `{sub}`, `{username}` and `{userPoolId}` may stand in it. */
export interface KeyAttribute {
  readonly name: string
  readonly value: string
}

/** How the items of one table are made. See docs/model.md, which this follows key by key. */
export interface ProfileModel {
  /** The GraphQL type, and `__typename`. */
  readonly type: string
  /** The model's name in the table's name, where a renamed model has kept its table. @default the type */
  readonly table?: string
  /** The attribute that says whose the row is. @default none: owners are not compared */
  readonly owner?: string
  /** Composite attributes of indexes, such as `tenant#createdAt`. @default none */
  readonly composites?: readonly string[]
  readonly key: { readonly partition: KeyAttribute; readonly sort?: KeyAttribute }
  readonly fields?: { readonly [name: string]: FieldValue | Field }
}

/** What the worker uses when it is given no model: Amplify's documented `UserProfile` under `id = sub`. */
export const USER_PROFILE: ProfileModel = {
  type: 'UserProfile',
  owner: 'profileOwner',
  key: { partition: { name: 'id', value: '{sub}' } },
  fields: {
    email: '{email}',
    profileOwner: { value: '{sub}::{username}', required: true },
  },
}

/** The attributes that every item has (docs/model.md, "Written for every item"). */
export const WRITTEN_ALWAYS = ['__typename', 'createdAt', 'updatedAt'] as const

/**
 * The model as the worker reads it (`PROFILE_MODEL`). It always has line breaks and a `[key]`, by which the worker knows
 * it from a path.
 */
export function modelToml(model: ProfileModel): string {
  const { partition, sort } = model.key
  return [
    `type = ${text(model.type)}`,
    ...(model.table === undefined ? [] : [`table = ${text(model.table)}`]),
    ...(model.owner === undefined ? [] : [`owner = ${text(model.owner)}`]),
    ...(model.composites === undefined ? [] : [`composites = [${model.composites.map(text).join(', ')}]`]),
    '',
    '[key]',
    `partition = ${keyAttribute(partition)}`,
    ...(sort === undefined ? [] : [`sort = ${keyAttribute(sort)}`]),
    '',
    '[fields]',
    ...Object.entries(model.fields ?? {}).map(([name, field]) => `${key(name)} = ${written(field)}`),
    '',
  ].join('\n')
}

/** The attributes of the items that this model makes, in no order. */
export function attributesOf(model: ProfileModel): readonly string[] {
  const { partition, sort } = model.key
  const keys = sort === undefined ? [partition.name] : [partition.name, sort.name]
  return [...new Set([...keys, ...WRITTEN_ALWAYS, ...Object.keys(model.fields ?? {}), ...(model.composites ?? [])])]
}

/** The number without an exponent, as DynamoDB and the worker write it. */
export function plainNumber(number: number): string {
  const [digits = '', exponent] = String(Math.abs(number)).split('e')
  const sign = number < 0 ? '-' : ''
  if (exponent === undefined) return sign + digits
  const [whole = '', fraction = ''] = digits.split('.')
  const shift = Number(exponent)
  if (shift < 0) return `${sign}0.${'0'.repeat(-shift - whole.length)}${whole}${fraction}`
  return sign + whole + fraction.padEnd(shift, '0')
}

function written(field: FieldValue | Field): string {
  if (typeof field !== 'object') return constant(field)
  const { value, type, required } = field
  const parts = [
    `value = ${constant(value)}`,
    ...(type === undefined ? [] : [`type = ${text(type)}`]),
    ...(required === undefined ? [] : [`required = ${required}`]),
  ]
  return `{ ${parts.join(', ')} }`
}

function constant(value: FieldValue): string {
  if (typeof value === 'number') return plainNumber(value)
  return typeof value === 'string' ? text(value) : String(value)
}

function keyAttribute({ name, value }: KeyAttribute): string {
  return `{ name = ${text(name)}, value = ${text(value)} }`
}

/** Bare keys are TOML's letters, digits, `_` and `-`; all others are quoted. */
function key(name: string): string {
  return /^[A-Za-z0-9_-]+$/.test(name) ? name : text(name)
}

/**
 * A basic string. JSON's escapes are TOML's, but for DEL, which JSON leaves as it is and TOML refuses. (Half a surrogate
 * pair has no form in TOML; fit.ts refuses it.)
 */
function text(value: string): string {
  return JSON.stringify(value).replaceAll('\u007f', '\\u007f')
}
