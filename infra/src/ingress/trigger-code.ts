// The trigger's code: where the package keeps its zips, and whether a zip can run at all. Lambda takes any zip and fails at
// the first sign-up; here it fails at synth.

import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

import * as lambda from 'aws-cdk-lib/aws-lambda'

import { ownPackage } from '../own-package.ts'
import type { Problems } from '../problems.ts'
import { zipEntry } from './zip.ts'

/** What Lambda starts under provided.al2023. */
export const BOOTSTRAP = 'bootstrap'

/** `e_machine` of an ELF header (System V gABI, chapter 4). */
const MACHINES: Readonly<Record<number, string>> = { 62: 'x86_64', 183: 'arm64' }

/** The zip of this package for an architecture, under `root`. */
export function triggerZip(architecture: lambda.Architecture, root = packageRoot()): string {
  return join(root, 'assets', `trigger-${architecture.name}.zip`)
}

function packageRoot(): string {
  const own = ownPackage()
  if (own !== undefined) return own.folder
  throw new Error(`the folder of profile-worker-cdk is not above ${__dirname}: leave the package out of your bundle`)
}

/** The code of the function: what is given, or the zip of the package. Undefined after a problem. */
export function triggerCode(
  given: lambda.Code | undefined,
  architecture: lambda.Architecture,
  problems: Problems,
  root?: string,
): lambda.Code | undefined {
  if (given !== undefined) {
    const path = localPath(given)
    if (path !== undefined) checkCode(path, architecture, problems)
    return given
  }
  const zip = triggerZip(architecture, root)
  if (!existsSync(zip)) {
    problems.add(
      'code',
      `the trigger's zip for ${architecture.name} is not there (${zip})`,
      'make it with `npm run assets` in infra/, or give `code`',
    )
    return undefined
  }
  checkCode(zip, architecture, problems)
  return lambda.Code.fromAsset(zip)
}

// By its field and not by its class: an application may have a copy of the library of its own.
const localPath = (code: lambda.Code): string | undefined =>
  'path' in code && typeof code.path === 'string' ? code.path : undefined

function checkCode(path: string, architecture: lambda.Architecture, problems: Problems): void {
  const wrong = (fault: string, mend: string): void => problems.add('code', `${path} ${fault}`, mend)
  if (!existsSync(path)) return wrong('is not there', 'name a zip with an executable `bootstrap`')
  let found: { head: Buffer; mode: number | undefined } | undefined
  try {
    found = bootstrapOf(path)
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error), 'give a zip with an executable `bootstrap`')
  }
  if (found === undefined) return wrong(`has no \`${BOOTSTRAP}\` at its top`, `call the binary \`${BOOTSTRAP}\``)
  if (found === UNKNOWN) return
  if (found.mode !== undefined && (found.mode & 0o111) === 0) {
    wrong(`holds a \`${BOOTSTRAP}\` that is not executable`, `chmod 755 ${BOOTSTRAP}, then zip it`)
  }
  const machine = machineOf(found.head)
  if (machine === undefined) return wrong(`holds a \`${BOOTSTRAP}\` that is no 64-bit ELF binary`, 'build it for Linux')
  if (machine !== architecture.name) {
    wrong(
      `is built for ${machine} and \`architecture\` is ${architecture.name}`,
      `set \`architecture\`, or give the zip for ${architecture.name}`,
    )
  }
}

/** A folder without `bootstrap` may be source that the CDK bundles later. */
const UNKNOWN = { head: Buffer.alloc(0), mode: undefined }

function bootstrapOf(path: string): { head: Buffer; mode: number | undefined } | undefined {
  if (!statSync(path).isDirectory()) return zipEntry(path, BOOTSTRAP, HEADER)
  const file = join(path, BOOTSTRAP)
  if (!existsSync(file)) return UNKNOWN
  return { head: readFileSync(file).subarray(0, HEADER), mode: statSync(file).mode & 0o777 }
}

const HEADER = 20

/** The machine of a little-endian 64-bit ELF header, by Lambda's name for it. */
function machineOf(head: Buffer): string | undefined {
  if (head.length < HEADER || head.readUInt32BE(0) !== 0x7f454c46 || head[4] !== 2 || head[5] !== 1) return undefined
  const machine = head.readUInt16LE(18)
  return MACHINES[machine] ?? `machine ${machine}`
}
