// What a binary needs of the machine it runs on: processor and C library. A Lambda function whose binary wants a newer C
// library than the runtime has fails at every sign-up, so this is asked before anything is zipped. Must never guess: what
// is no 64-bit ELF is an error.

/** @see ELF specification, e_machine */
const MACHINES: Readonly<Record<number, 'x86_64' | 'arm64'>> = { 0x3e: 'x86_64', 0xb7: 'arm64' }

export interface Binary {
  readonly architecture: 'x86_64' | 'arm64'
  /** The newest version of glibc that it names, such as `2.26`; undefined if it names none (linked statically). */
  readonly glibc: string | undefined
}

export function describe(binary: Uint8Array): Binary {
  const bytes = Buffer.from(binary.buffer, binary.byteOffset, binary.byteLength)
  if (bytes.length < 64 || bytes.readUInt32BE(0) !== 0x7f454c46) throw new Error('this is no ELF binary')
  if (bytes[4] !== 2 || bytes[5] !== 1) throw new Error('this is no 64-bit little-endian binary')
  const machine = bytes.readUInt16LE(18)
  const architecture = MACHINES[machine]
  if (!architecture) throw new Error(`machine ${machine} is neither x86_64 nor arm64`)
  return { architecture, glibc: newestGlibc(bytes) }
}

/** Are all of `a` there where `b` is? Versions of glibc, such as `2.4` and `2.26`. */
export function atMost(a: string, b: string): boolean {
  return compare(a, b) <= 0
}

/**
 * Names of versions stand as text in the table of dynamic strings. The whole file is searched for them, which can only
 * find too many: an answer that is too new stops a build, one that is too old would stop sign-ups.
 */
function newestGlibc(bytes: Buffer): string | undefined {
  const named = [...bytes.toString('latin1').matchAll(/\0GLIBC_(2(?:\.\d+)+)(?=\0)/g)].map((match) => match[1]!)
  return named.sort(compare).at(-1)
}

function compare(a: string, b: string): number {
  const [of, other] = [a, b].map((version) => version.split('.').map(Number)) as [number[], number[]]
  for (let at = 0; at < Math.max(of.length, other.length); at += 1) {
    const difference = (of[at] ?? 0) - (other[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
