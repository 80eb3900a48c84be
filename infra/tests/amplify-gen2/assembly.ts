// One Amplify backend, synthesised in a process of its own as `ampx` does it, and what it left behind, read back: templates
// by the names of their stacks, and what would make CloudFormation refuse them. `defineBackend` runs when its file is
// imported and once per process, hence the process. Needs nothing but Node, so that other packages may import it.

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const HERE = dirname(fileURLToPath(import.meta.url))
/** Under the repository's target directory, which no version control looks at. */
const OUT = join(HERE, '../../../target/amplify-gen2')

/** Who deploys: `ampx sandbox`, Amplify Hosting, `ampx pipeline-deploy` without an app. */
export type Deployment = 'sandbox' | 'branch' | 'standalone'

export interface Resource {
  readonly Type: string
  readonly Properties?: Readonly<Record<string, unknown>>
  readonly DependsOn?: string | readonly string[]
  readonly Metadata?: Readonly<Record<string, unknown>>
}

export interface Template {
  readonly Description?: string
  readonly Metadata?: Readonly<Record<string, unknown>>
  readonly Parameters?: Readonly<Record<string, unknown>>
  readonly Resources: Readonly<Record<string, Resource>>
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown }>>
}

/** A template, and the stacks nested in it by the names that the backend gave them: `auth`, `data`, `ProfileWorker`… */
export interface Stack {
  /** Of the resource that nests it; empty for the root. */
  readonly logicalId: string
  readonly file: string
  readonly bytes: number
  readonly template: Template
  readonly nested: ReadonlyMap<string, Stack>
}

export interface Assembly {
  readonly directory: string
  readonly root: Stack
  /** Of the process that made it. */
  readonly seconds: number
}

/** Said when a backend could not be synthesised; `message` is what it wrote. */
export class SynthesisFailed extends Error {}

/** Synthesises the backend whose `amplify` folder is given, relative to this file. */
export async function synthesise(amplify: string, deployment: Deployment): Promise<Assembly> {
  const directory = join(OUT, `${basename(dirname(join(HERE, amplify)))}-${deployment}`)
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  // Semi-private: the names by which ampx tells a backend who it is, and the metadata that the CDK's command line asks for.
  const context = {
    'amplify-backend-namespace': 'd2example3app',
    'amplify-backend-name': 'main',
    'amplify-backend-type': deployment,
    'aws:cdk:enable-asset-metadata': true,
    'aws:cdk:enable-path-metadata': true,
  }
  const begun = process.hrtime.bigint()
  const child = spawn(process.execPath, ['--import', 'tsx', join(HERE, amplify, 'backend.ts')], {
    cwd: HERE,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '/',
      CDK_OUTDIR: directory,
      CDK_CONTEXT_JSON: JSON.stringify(context),
      AMPLIFY_BACKEND_TELEMETRY_DISABLED: '1',
      JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stdout.on('data', (chunk) => (said += chunk))
  child.stderr.on('data', (chunk) => (said += chunk))
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  if (code !== 0) throw new SynthesisFailed(said)
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9
  return { directory, root: read(directory, rootTemplate(directory), ''), seconds }
}

function rootTemplate(directory: string): string {
  const found = readdirSync(directory).filter((name) => /(?<!\.nested)\.template\.json$/.test(name))
  if (found.length !== 1) throw new Error(`${directory} has ${found.length} root templates`)
  return found[0]!
}

function read(directory: string, file: string, logicalId: string): Stack {
  const text = readFileSync(join(directory, file), 'utf8')
  // An empty stack has not even the section.
  const template = { Resources: {}, ...JSON.parse(text) } as Template
  const nested = new Map<string, Stack>()
  for (const [id, { Type, Metadata }] of Object.entries(template.Resources)) {
    if (Type !== 'AWS::CloudFormation::Stack') continue
    nested.set(stackName(String(Metadata?.['aws:cdk:path'])), read(directory, String(Metadata?.['aws:asset:path']), id))
  }
  return { logicalId, file, bytes: Buffer.byteLength(text), template, nested }
}

/** `…/ProfileWorker.NestedStack/ProfileWorker.NestedStackResource` → `ProfileWorker` */
function stackName(path: string): string {
  return basename(path).replace(/\.NestedStackResource$/, '')
}

/** Every stack with the names that lead to it; the root has none. */
export function everyStack(stack: Stack, path: readonly string[] = []): readonly (readonly [string, Stack])[] {
  return [[path.join('/'), stack], ...[...stack.nested].flatMap(([name, inner]) => everyStack(inner, [...path, name]))]
}

/** The stack of that name, nested anywhere. */
export function stackOf(assembly: Assembly, name: string): Stack {
  const found = everyStack(assembly.root).find(([path]) => path === name || path.endsWith(`/${name}`))
  if (!found) throw new Error(`no stack is called ${name}: ${everyStack(assembly.root).map(([path]) => path).join(', ')}`)
  return found[1]
}

/** Resources of a type, by logical id. */
export function resourcesOf(stack: Stack, type: string): readonly (readonly [string, Resource])[] {
  return Object.entries(stack.template.Resources).filter(([, resource]) => resource.Type === type)
}

/** The text of an asset that a template names by its hash. */
export function assetText(assembly: Assembly, hash: string, extension: string): string {
  const path = join(assembly.directory, `asset.${hash}${extension}`)
  if (!existsSync(path)) throw new Error(`${path} is not in the assembly`)
  return readFileSync(path, 'utf8')
}
