// Makes the zip of a Lambda function from its binary: one file, `bootstrap`, executable. The same binary makes the same
// bytes on every machine, in every time zone and with every version of Node: no time of day, no owner, and a deflate in
// JavaScript, because zlib's differs between processors and builds.
//
//   tsx artifacts/zip.ts BINARY ZIP ARCHITECTURE     fails if the binary is for another one or needs too new a glibc

import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'

import { zipSync } from 'fflate'

import { atMost, describe } from './elf.ts'

/** Amazon Linux 2's. `provided.al2023` has 2.34. */
export const GLIBC = '2.26'

const UNIX = 3
const REGULAR_AND_EXECUTABLE = 0o100755

/** The zip of a function whose handler is this binary. */
export function functionZip(binary: Uint8Array): Uint8Array {
  // The format's own beginning of time, local because the format knows no zones.
  const mtime = new Date(1980, 0, 1)
  return zipSync({ bootstrap: binary }, { level: 9, mtime, os: UNIX, attrs: REGULAR_AND_EXECUTABLE << 16 })
}

/** Why this binary must not become the function of this architecture; undefined if it may. */
export function objection(binary: Uint8Array, architecture: string): string | undefined {
  const is = describe(binary)
  if (is.architecture !== architecture) return `the binary is for ${is.architecture}, not for ${architecture}`
  if (is.glibc !== undefined && !atMost(is.glibc, GLIBC)) {
    return `the binary needs glibc ${is.glibc}, Lambda's runtimes have ${GLIBC} or later: build it with cargo-zigbuild`
  }
  return undefined
}

function main([from, to, architecture]: readonly string[]): void {
  if (!from || !to || !architecture) throw new Error('usage: tsx artifacts/zip.ts BINARY ZIP ARCHITECTURE')
  const binary = readFileSync(from)
  const fault = objection(binary, architecture)
  if (fault) throw new Error(`${from}: ${fault}`)
  const zip = functionZip(binary)
  writeFileSync(to, zip)
  const size = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(2)} MiB`
  const digest = createHash('sha256').update(zip).digest('hex')
  const glibc = describe(binary).glibc ?? 'none'
  console.log(`${to}: ${size(zip.length)} (${size(binary.length)} unpacked, glibc ${glibc}), sha256 ${digest}`)
}

if (require.main === module) main(process.argv.slice(2))
