// The profile model, typed: what docs/model.md says as TOML. The worker reads the TOML; nothing here decides what an item
// looks like.

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

/** The model as the worker reads it (`PROFILE_MODEL`). */
export function modelToml(_model: ProfileModel): string {
  throw new Error('not yet')
}

/** The attributes of the items that this model makes, in no order. */
export function attributesOf(_model: ProfileModel): readonly string[] {
  throw new Error('not yet')
}
