// Does the model fit? What the worker would refuse with exit code 78 in ten minutes is refused here now: the rules of
// domain/src/model_toml.rs, one by one, and what only this side knows, that is the trigger and the table. Amplify
// backends are not type-checked when they are deployed, so the types are looked at too.

import { Token } from 'aws-cdk-lib'

import { plainNumber, type ProfileModel, WRITTEN_ALWAYS } from '../model.ts'
import type { Problems } from '../problems.ts'
import type { TableKey } from './profile-worker.ts'
import { isImmutable, mustBeForwarded, readTemplate } from './template.ts'

/** What is known of the surroundings; `undefined` is not known and not checked. */
export interface Surroundings {
  readonly tableKey: TableKey | undefined
  readonly tableName: string | undefined
  readonly forwardAttributes: readonly string[] | undefined
}

/** Faults of the model itself, of the table's key, and attributes that the trigger does not forward. */
export function checkModel(model: ProfileModel, surroundings: Surroundings, problems: Problems): void {
  new Check(problems).model(model, surroundings)
}

type Loose = Readonly<Record<string, unknown>>

/** GraphQL names (GraphQL specification, "Names"). */
const TYPE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** What DynamoDB's numbers and the worker's have in common: at most 38 digits, no exponent. */
const NUMBER = /^-?(\d+)(?:\.(\d+))?$/

class Check {
  readonly #problems: Problems
  /** Placeholders by attribute; an attribute with a fault is here without any. */
  readonly #placeholders = new Map<string, readonly string[]>()
  /** Fields that are no string templates, and those with a fault that was told already. */
  readonly #notText = new Set<string>()
  readonly #faulty = new Set<string>()

  constructor(problems: Problems) {
    this.#problems = problems
  }

  model(model: ProfileModel, surroundings: Surroundings): void {
    if (!isObject(model)) return this.#add('model', 'is no object', 'give a ProfileModel')
    this.#known('model', model, ['type', 'table', 'owner', 'composites', 'key', 'fields'])
    if (!isName(model.type)) {
      this.#add('model.type', 'is not a GraphQL type name', "write the model's name, such as 'UserProfile'")
    }
    if (model.table !== undefined && !isName(model.table)) {
      const mend = "write what stands before the first hyphen of the table's name"
      this.#add('model.table', "is not a model's name", mend)
    }
    const key = this.#key(model)
    this.#fields(model.fields, key)
    this.#composites(model.composites)
    if (model.owner !== undefined) this.#owner(model.owner, key)
    this.#table(model, key, surroundings)
    this.#forwarded(surroundings.forwardAttributes)
  }

  #key(model: ProfileModel): readonly string[] {
    const names: string[] = []
    if (!isObject(model.key)) {
      this.#add('model.key', 'is missing', "write key: { partition: { name: 'id', value: '{sub}' } }")
      return names
    }
    this.#known('model.key', model.key, ['partition', 'sort'])
    let whole = true
    for (const part of ['partition', 'sort'] as const) {
      const place = `model.key.${part}`
      const attribute: unknown = model.key[part]
      if (attribute === undefined && part === 'sort') continue
      if (!isObject(attribute)) {
        this.#add(place, 'is missing', "write { name: 'id', value: '{sub}' }")
        whole = false
        continue
      }
      this.#known(place, attribute, ['name', 'value'])
      const { name, value } = attribute
      if (typeof name !== 'string' || name === '' || isWritten(name) || names.includes(name)) {
        this.#add(`${place}.name`, 'cannot be a key attribute', "use the table's key attribute")
      } else if (this.#plain(`${place}.name`, name)) {
        names.push(name)
      }
      const placeholders = this.#template(`${place}.value`, value)
      whole &&= placeholders !== undefined
      const mutable = placeholders?.find((placeholder) => !isImmutable(placeholder))
      if (mutable !== undefined) {
        const fault = `uses {${mutable}}, which can change: a user would get a second row`
        this.#add(`${place}.value`, fault, 'use only {sub}, {username} and {userPoolId}')
      }
      if (typeof name === 'string') this.#placeholders.set(name, placeholders ?? [])
      if (typeof name === 'string' && placeholders === undefined) this.#faulty.add(name)
    }
    if (whole && ![...this.#placeholders.values()].some((placeholders) => placeholders.includes('sub'))) {
      const mend = "write partition: { name: 'id', value: '{sub}' }"
      this.#add('model.key', 'must contain {sub}, the only id that is never given to a second user', mend)
    }
    return names
  }

  #fields(fields: unknown, key: readonly string[]): void {
    if (fields === undefined) return
    if (!isObject(fields)) return this.#add('model.fields', 'is no object', "write such as { email: '{email}' }")
    for (const [name, field] of Object.entries(fields)) {
      const place = `model.fields.${name}`
      if (name === '') this.#add('model.fields', 'a field has an empty name', 'name it as the table does')
      this.#plain(place, name)
      if (isWritten(name)) this.#add(place, 'is written for every item', 'leave it out')
      if (key.includes(name)) {
        this.#add(place, 'is a key attribute already', 'leave it out')
        continue
      }
      this.#field(place, name, field)
    }
  }

  #field(place: string, name: string, field: unknown): void {
    const long: Loose = isObject(field) ? field : { value: field }
    this.#known(place, long, ['value', 'type', 'required'])
    const { value, type, required } = long
    this.#placeholders.set(name, [])
    if (required !== undefined && typeof required !== 'boolean') {
      this.#add(`${place}.required`, 'is neither true nor false', 'write true or false')
    }
    if (type !== undefined && type !== 'S' && type !== 'N' && type !== 'BOOL') {
      this.#faulty.add(name)
      return this.#add(`${place}.type`, 'is no type', "write 'S', 'N' or 'BOOL'")
    }
    if (typeof value !== 'string') {
      this.#notText.add(name)
      return this.#constant(place, value, type)
    }
    const placeholders = this.#template(place, value)
    if (placeholders === undefined) return void this.#faulty.add(name)
    this.#placeholders.set(name, placeholders)
    if (type === 'N' || type === 'BOOL') this.#notText.add(name)
    if (placeholders.length > 0) return
    if (type === 'N' && !isNumber(value)) {
      this.#add(place, 'has type N but its value is not a number', 'write digits, at most 38, without an exponent')
    }
    if (type === 'BOOL' && value !== 'true' && value !== 'false') {
      this.#add(place, 'has type BOOL but its value is neither true nor false', "write true or 'true'")
    }
  }

  #constant(place: string, value: unknown, type: 'S' | 'N' | 'BOOL' | undefined): void {
    const fits = typeof value === 'boolean' ? type !== 'S' && type !== 'N' : type !== 'S' && type !== 'BOOL'
    if ((typeof value !== 'boolean' && typeof value !== 'number') || !fits) {
      const fault = 'has a value that is no string, number or boolean of the type it names'
      return this.#add(place, fault, "write a template such as '{email}'")
    }
    if (typeof value !== 'number') return
    // JavaScript keeps larger integers only about, and the item would hold another number than was written.
    if (Number.isInteger(value) ? !Number.isSafeInteger(value) : !isNumber(plainNumber(value))) {
      const mend = "write it as text: { value: '…', type: 'N' }, at most 38 digits"
      this.#add(place, 'is a number that cannot be written down exactly', mend)
    }
  }

  #composites(composites: unknown): void {
    if (composites === undefined) return
    if (!Array.isArray(composites)) {
      return this.#add('model.composites', 'is no list', "write such as ['tenant#createdAt']")
    }
    const isPresent = (name: string) => isWritten(name) || this.#placeholders.has(name)
    for (const name of composites as readonly unknown[]) {
      const place = 'model.composites'
      if (typeof name !== 'string' || !name.includes('#')) {
        this.#add(place, `'${String(name)}' joins nothing`, "name it as the index does, such as 'tenant#createdAt'")
        continue
      }
      this.#plain(place, name)
      if (isPresent(name)) this.#add(place, `'${name}' is an attribute already`, 'leave it out')
      for (const part of name.split('#').filter((part) => !isPresent(part))) {
        const fault = `'${name}' refers to '${part}', which is neither a field nor a key attribute`
        this.#add(place, fault, `add model.fields.${part}, or name the index's own attributes`)
      }
    }
  }

  /** The owner decides who may read the row, so it must tell users apart. */
  #owner(owner: unknown, key: readonly string[]): void {
    const placeholders = typeof owner === 'string' ? this.#placeholders.get(owner) : undefined
    const template = "'{sub}::{username}'"
    if (typeof owner !== 'string' || placeholders === undefined) {
      const fault = `'${String(owner)}' is neither a field nor a key attribute`
      return this.#add('model.owner', fault, `add model.fields.${String(owner)}: ${template}`)
    }
    if (this.#faulty.has(owner)) return
    if (!key.includes(owner) && this.#notText.has(owner)) {
      return this.#add('model.owner', `the field '${owner}' must be a string template`, `write it as ${template}`)
    }
    if (placeholders.some((placeholder) => placeholder === 'sub' || placeholder === 'username')) return
    const fault = `the template of '${owner}' names neither {sub} nor {username}, so all users would own all rows`
    this.#add('model.owner', fault, `write it as ${template}`)
  }

  #table(model: ProfileModel, key: readonly string[], { tableKey, tableName }: Surroundings): void {
    if (tableKey !== undefined && key.length > 0) {
      const { partition, sort } = tableKey
      const needed = sort === undefined ? [partition] : [partition, sort]
      if (![...needed, ...key].some(Token.isUnresolved) && needed.join('\n') !== key.join('\n')) {
        const fault = `the model's key is (${key.join(', ')}), the table's is (${needed.join(', ')})`
        this.#add('model.key', fault, 'name the attributes of the key as the table does, in its order')
      }
    }
    if (tableName === undefined || Token.isUnresolved(tableName)) return
    const [, other] = AMPLIFY_TABLE.exec(tableName) ?? []
    const own = model.table ?? model.type
    if (other === undefined || other === own) return
    const fault = `by its name the table is that of the model ${other}, and the profiles are ${own} items`
    const mend = `give the table of ${own}; if a renamed model kept its table, write model.table: '${other}'`
    this.#add('table', fault, mend)
  }

  #forwarded(forwarded: readonly string[] | undefined): void {
    if (forwarded === undefined || forwarded.some((name) => Token.isUnresolved(name))) return
    const used = new Set([...this.#placeholders.values()].flat().filter(mustBeForwarded))
    const missing = [...used].filter((name) => !forwarded.includes(name))
    if (missing.length === 0) return
    const names = missing.map((name) => `'${name}'`).join(', ')
    const fault = `uses ${missing.map((name) => `{${name}}`).join(', ')}, which the trigger does not send`
    this.#add('model', fault, `add ${names} to forwardAttributes of ConfirmationIngress`)
  }

  /** The placeholders of a template; `undefined` after a fault. */
  #template(place: string, value: unknown): readonly string[] | undefined {
    if (typeof value !== 'string') {
      this.#add(place, 'is no text', "write a template such as '{sub}'")
      return undefined
    }
    if (!this.#plain(place, value)) return undefined
    const read = readTemplate(value)
    if ('placeholders' in read) return read.placeholders
    this.#add(place, read.fault, read.mend)
    return undefined
  }

  /** What is known only at deployment cannot be looked at; half a surrogate pair cannot be written in TOML. */
  #plain(place: string, text: string): boolean {
    if (Token.isUnresolved(text)) {
      this.#add(place, 'holds a value that is known only at deployment', 'write the text itself')
      return false
    }
    if (!/\p{Surrogate}/u.test(text)) return true
    this.#add(place, 'holds half a surrogate pair', 'write whole characters')
    return false
  }

  #known(place: string, object: Loose | object, names: readonly string[]): void {
    for (const name of Object.keys(object).filter((name) => !names.includes(name))) {
      this.#add(`${place}.${name}`, 'is no key of a model', `use ${names.join(', ')}`)
    }
  }

  #add(prop: string, fault: string, mend: string): void {
    this.#problems.add(prop, fault, mend)
  }
}

/** `<model>-<AppSync API id>-<environment>`: what Amplify calls a table (worker/src/config/table.rs). */
const AMPLIFY_TABLE = /^([^-]+)-[a-z0-9]{26}-[^-]+$/

function isObject(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && TYPE_NAME.test(value)
}

function isWritten(name: string): boolean {
  return (WRITTEN_ALWAYS as readonly string[]).includes(name)
}

function isNumber(text: string): boolean {
  const [, whole = '', fraction = ''] = NUMBER.exec(text) ?? []
  return whole !== '' && whole.length + fraction.length <= 38
}
