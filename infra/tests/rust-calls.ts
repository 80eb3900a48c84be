// Which operations of AWS each command of the worker calls, read from its Rust sources: every function with its calls, and
// from a command's entry along the calls to `client.operation()…send()`. It resolves names, not types: a method is taken for
// that of every type that the command has in hand. Good enough to compare with roles, and for nothing else.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'

/** A function of the sources. */
interface Fn {
  readonly file: string
  readonly name: string
  /** The type of its `impl`, if it has one. */
  readonly type?: string
  readonly text: string
}

/** The SDK's operations, as its builders are called. Whatever else ends in `.send()` makes {@link unknownSends} fail. */
const VERBS =
  'get|put|delete|update|batch|execute|transact|describe|list|admin|receive|send|change|start|cancel|create|query|scan|head|purge'
const OPERATION = new RegExp(`\\.((?:${VERBS})(?:_[a-z]+)*)\\(\\)`, 'g')

/** Names of methods that others have too (collections, channels, files): such a call counts by what it is called on. */
const COMMON = new Set(['delete', 'get', 'insert', 'list', 'open', 'read', 'receive', 'send', 'start', 'user', 'write'])

/** What the variables and fields are called that hold a client of AWS, and what they hold. */
const HELD: Readonly<Record<string, readonly string[]>> = {
  adopting: ['Adopting'],
  attempts: ['Attempts'],
  checkpoint: ['Place'],
  dead_letters: ['DeadLetterQueue'],
  directory: ['CognitoPool'],
  letterbox: ['Outbox'],
  moves: ['Moves'],
  outbox: ['Outbox'],
  part: ['Place'],
  peek: ['Peek'],
  place: ['Place'],
  pool: ['CognitoPool'],
  pools: ['CognitoPools'],
  queue: ['SqsQueue', 'DeadLetterQueue'],
  settling: ['SqsQueue'],
  table: ['AdoptionTable', 'DynamoDbTable'],
  take: ['Findings'],
}

export class RustCalls {
  readonly #files = new Map<string, string>()
  readonly #functions: Fn[] = []
  readonly #byName = new Map<string, Fn[]>()
  readonly #reached = new Map<string, ReadonlyMap<string, readonly string[]>>()
  readonly #types: ReadonlySet<string>
  readonly #structs = new Map<string, string>()

  constructor(root: string) {
    for (const path of rustFiles(root)) {
      const file = relative(root, path)
      const code = withoutTests(blanked(readFileSync(path, 'utf8')))
      this.#files.set(file, code)
      for (const [, name = '', body = ''] of code.matchAll(/\bstruct (\w+)[^;{(]*(\{[^}]*\}|\([^)]*\))/g)) {
        this.#structs.set(name, body)
      }
      this.#functions.push(...functionsOf(file, code))
    }
    this.#types = new Set(this.#functions.flatMap(({ type = [] }) => type))
    for (const fn of this.#functions) this.#byName.set(fn.name, [...this.#named(fn.name), fn])
  }

  /** Operations that `entry` (`service.rs::run`) leads to, with the functions that call them. */
  reachedFrom(entry: string): ReadonlyMap<string, readonly string[]> {
    const reached = this.#reached.get(entry) ?? this.#walk(entry)
    this.#reached.set(entry, reached)
    return reached
  }

  #named(name: string): readonly Fn[] {
    return this.#byName.get(name) ?? []
  }

  #walk(entry: string): ReadonlyMap<string, readonly string[]> {
    const [file = '', name = ''] = entry.split('::')
    const start = this.#functions.filter((fn) => fn.file === file && fn.name === name && fn.type === undefined)
    if (start.length !== 1) throw new Error(`${entry} is ${start.length} functions`)
    const reached = new Set(start)
    const types = new Set<string>()
    for (let before = -1; before !== reached.size + types.size; ) {
      before = reached.size + types.size
      for (const fn of [...reached]) {
        for (const type of this.#typesIn(fn.text)) types.add(type)
        if (fn.type !== undefined) types.add(fn.type)
      }
      for (const type of [...types]) for (const part of this.#typesIn(this.#structs.get(type) ?? '')) types.add(part)
      for (const fn of [...reached]) for (const called of this.#called(fn, types)) reached.add(called)
    }
    const operations = new Map<string, string[]>()
    for (const fn of reached) {
      for (const operation of operationsOf(fn)) {
        operations.set(operation, [...(operations.get(operation) ?? []), `${fn.file}::${fn.name}`])
      }
    }
    return operations
  }

  /** Every operation there is. */
  all(): ReadonlySet<string> {
    return new Set(this.#functions.flatMap(operationsOf))
  }

  /** Functions that send something in which no operation was found, or that call AWS from outside `aws/`. */
  unknownSends(): readonly string[] {
    const sends = this.#functions.filter((fn) => /\.send\(\)/.test(fn.text))
    return sends.filter((fn) => operationsOf(fn).length === 0).map((fn) => `${fn.file}::${fn.name}`)
  }

  #typesIn(text: string): readonly string[] {
    return [...new Set(text.match(/\b[A-Z]\w+\b/g) ?? [])].filter((name) => this.#types.has(name))
  }

  #called({ file, type, text }: Fn, types: ReadonlySet<string>): readonly Fn[] {
    const body = text.slice(text.indexOf('{'))
    const found: Fn[] = []
    for (const [, owner = '', name = ''] of body.matchAll(/\b(\w+)::(\w+)\b/g)) {
      const of = owner === 'Self' ? type : owner
      found.push(...this.#named(name).filter((fn) => (fn.type === of || this.#isModule(fn, owner))))
    }
    for (const call of body.matchAll(/\.(\w+)(?:::<[^(]*>)?\(/g)) {
      const name = call[1] ?? ''
      const receiver = receiverOf(body.slice(0, call.index).trimEnd())
      const held = COMMON.has(name) ? (HELD[receiver] ?? [receiver === 'self' ? type : receiver]) : undefined
      const isMeant = (of: string) => types.has(of) && (held === undefined || held.includes(of))
      found.push(...this.#named(name).filter((fn) => fn.type !== undefined && isMeant(fn.type)))
    }
    const code = this.#files.get(file) ?? ''
    for (const name of new Set([...body.matchAll(/(?<![.:\w])([a-z]\w*)\b/g)].map(([, name]) => name ?? ''))) {
      const own = this.#named(name).filter((fn) => fn.file === file && fn.type === undefined)
      const called = new RegExp(`(?<![.:\\w])${name}\\(|[(,]\\s*${name}\\s*[,)]`).test(body)
      if (own.length > 0 && called) found.push(...own)
      if (own.length > 0 || !called) continue
      const imports = importsOf(code).filter((words) => words.has(name))
      const isImported = (fn: Fn) =>
        imports.some((words) => isNamed(fn.file, words) || (words.has('super') && isParent(fn.file, file)))
      found.push(...this.#named(name).filter((fn) => fn.type === undefined && isImported(fn)))
    }
    return found
  }

  #isModule(fn: Fn, module: string): boolean {
    return fn.type === undefined && moduleOf(fn.file) === module
  }
}

/** What a method is called on: the last name before it, a type where it is made on the spot. */
function receiverOf(before: string): string {
  let at = before.length
  for (let depth = 0; before[at - 1] === ')' || depth > 0; at -= 1) {
    if (before[at - 1] === ')') depth += 1
    if (before[at - 1] === '(' && (depth -= 1) === 0) {
      at -= 1
      break
    }
  }
  const [, type, name = ''] = /(?:\b([A-Z]\w*)::)?(\w+)\??$/.exec(before.slice(0, at)) ?? []
  return type ?? name
}

function operationsOf(fn: Fn): readonly string[] {
  if (!fn.file.startsWith('aws/') || !/\.send\(\)/.test(fn.text)) return []
  return [...fn.text.matchAll(OPERATION)].map(([, operation = '']) => operation).filter((name) => name !== 'send')
}

/** The words of each `use` of the crate's own. */
function importsOf(code: string): readonly ReadonlySet<string>[] {
  const uses = [...code.matchAll(/\buse ((?:[a-z_]+)::[^;]+);/g)].map(([, tree = '']) => tree)
  return uses.map((tree) => new Set(tree.match(/\w+/g) ?? []))
}

/** A module may give out what is its children's: any part of the path will do. */
function isNamed(file: string, words: ReadonlySet<string>): boolean {
  return file.replace(/\.rs$/, '').split('/').some((part) => words.has(part))
}

function isParent(parent: string, file: string): boolean {
  const folder = basename(parent) === 'mod.rs' ? dirname(parent) : parent.replace(/\.rs$/, '')
  return file.startsWith(`${folder}/`)
}

function moduleOf(file: string): string {
  const stem = basename(file, '.rs')
  return stem === 'mod' ? basename(dirname(file)) : stem
}

function functionsOf(file: string, code: string): readonly Fn[] {
  const impls = [...code.matchAll(/\bimpl(?:<[^{]*?>)?\s+(?:[\w:<>', ]+?\s+for\s+)?([A-Z]\w*)[^{;]*\{/g)].map((found) => {
    const open = (found.index ?? 0) + found[0].length - 1
    return { type: found[1] ?? '', from: open, to: closing(code, open) }
  })
  const functions: Fn[] = []
  for (const found of code.matchAll(/\bfn (\w+)/g)) {
    const from = found.index ?? 0
    const open = code.indexOf('{', from)
    const end = code.indexOf(';', from)
    if (open < 0 || (end >= 0 && end < open && !/\[[^\]]*$/.test(code.slice(from, end)))) continue
    const type = impls.find((impl) => impl.from < from && from < impl.to)?.type
    functions.push({ file, name: found[1] ?? '', text: code.slice(from, closing(code, open)), ...(type && { type }) })
  }
  return functions
}

function closing(code: string, open: number): number {
  let depth = 0
  for (let at = open; at < code.length; at += 1) {
    if (code[at] === '{') depth += 1
    if (code[at] === '}' && (depth -= 1) === 0) return at + 1
  }
  return code.length
}

/** Without comments, and with strings and characters emptied. */
function blanked(code: string): string {
  return code.replace(
    /\/\/[^\n]*|\/\*[^]*?\*\/|\br(#*)"[^]*?"\1|"(?:\\[^]|[^"\\])*"|'(?:\\[^']+|[^'\\])'/g,
    (found) => (found.startsWith('/') ? '' : '""'),
  )
}

function withoutTests(code: string): string {
  const tests = /#\[cfg\(test\)\]\s*(?:pub(?:\([^)]*\))? )?mod \w+ \{/.exec(code)
  if (tests === null) return code
  return code.slice(0, tests.index) + code.slice(closing(code, tests.index + tests[0].length - 1))
}

function rustFiles(folder: string): readonly string[] {
  return readdirSync(folder)
    .flatMap((name) => {
      const path = join(folder, name)
      if (statSync(path).isDirectory()) return name === 'tests' ? [] : rustFiles(path)
      return name.endsWith('.rs') && !/^(tests|fixture)\.rs$/.test(name) ? [path] : []
    })
    .sort()
}
