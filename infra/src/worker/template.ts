// Field templates such as `{sub}::{username}`, as domain/src/template.rs reads them: only what can be known of them when
// the template is made, never what they become for a user.

/** Placeholders that every message has or may have, whatever the trigger forwards. */
const ALWAYS_SENT = new Set(['sub', 'username', 'userPoolId', 'email', 'email_verified', 'createdAt', 'createdAtMs'])

/** What can never change for a user. A key that follows anything else makes a second row one day. */
const IMMUTABLE = new Set(['sub', 'username', 'userPoolId'])

/** Cognito's standard attributes (developer guide, "Working with user attributes") without those that are always sent. */
const STANDARD_ATTRIBUTES = new Set([
  'address',
  'birthdate',
  'family_name',
  'gender',
  'given_name',
  'identities',
  'locale',
  'middle_name',
  'name',
  'nickname',
  'phone_number',
  'phone_number_verified',
  'picture',
  'preferred_username',
  'profile',
  'updated_at',
  'website',
  'zoneinfo',
])

/** The placeholders of a template, or what is wrong with it. */
export type Read = { readonly placeholders: readonly string[] } | { readonly fault: string; readonly mend: string }

/** Reads a template as the worker does. */
export function readTemplate(text: string): Read {
  if (text === '') return { fault: 'is empty', mend: 'write text or a placeholder; items hold no empty strings' }
  const placeholders: string[] = []
  const characters = [...text]
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at]
    if (character !== '{' && character !== '}') continue
    if (characters[at + 1] === character) {
      at += 1
      continue
    }
    if (character === '}') return { fault: 'has a } without its {', mend: 'write }} for the brace itself' }
    let end = at + 1
    while (end < characters.length && characters[end] !== '}' && characters[end] !== '{') end += 1
    if (characters[end] !== '}') return { fault: 'has a { without its }', mend: 'write {{ for the brace itself' }
    const name = characters.slice(at + 1, end).join('')
    if (name === '' || /^\p{White_Space}|\p{White_Space}$/u.test(name)) {
      return { fault: 'has a placeholder without a name, or with spaces around it', mend: 'write it as in {email}' }
    }
    placeholders.push(name)
    at = end
  }
  const unknown = placeholders.find((name) => !isKnown(name))
  if (unknown === undefined) return { placeholders }
  return {
    fault: `uses {${unknown}}, which is no Cognito attribute`,
    mend: `correct the name; custom attributes are written {custom:${unknown}}`,
  }
}

/** Whether the value can never change for a user. */
export function isImmutable(placeholder: string): boolean {
  return IMMUTABLE.has(placeholder)
}

/** Whether a message has it only if the trigger is told to forward it (`FORWARD_ATTRIBUTES`). */
export function mustBeForwarded(placeholder: string): boolean {
  return !ALWAYS_SENT.has(placeholder)
}

function isKnown(placeholder: string): boolean {
  const prefixed = ['custom:', 'dev:custom:', 'cognito:'].some(
    (prefix) => placeholder.startsWith(prefix) && placeholder.length > prefix.length,
  )
  return prefixed || ALWAYS_SENT.has(placeholder) || STANDARD_ATTRIBUTES.has(placeholder)
}
