// Trigger packages for tests: a zip whose `bootstrap` is the header of an ELF binary, so that a stack can be synthesised
// without building the trigger, and zips that are wrong in one way each.

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, deflateRaw } from './zip-parts.ts'

export interface Made {
  readonly machine?: 'arm64' | 'x86_64' | 'riscv'
  readonly name?: string
  readonly mode?: number
  readonly deflated?: boolean
  readonly content?: Buffer
}

const MACHINES = { arm64: 183, x86_64: 62, riscv: 243 }

/** The first bytes of a 64-bit little-endian binary; what follows makes it long enough to be worth packing. */
export function elf(machine: keyof typeof MACHINES): Buffer {
  const file = Buffer.alloc(100_000)
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  file.writeUInt16LE(MACHINES[machine], 18)
  for (let at = 64; at < file.length; at += 1) file[at] = (at * 7919) % 251
  return file
}

/** Path of a zip with one entry. */
export function triggerZipFile({ machine = 'arm64', name = 'bootstrap', mode = 0o755, deflated = true, content }: Made = {}): string {
  const data = content ?? elf(machine)
  const packed = deflated ? deflateRaw(data) : data
  const path = join(mkdtempSync(join(tmpdir(), 'trigger-')), 'trigger.zip')
  const common = Buffer.alloc(26)
  common.writeUInt16LE(20, 0)
  common.writeUInt16LE(deflated ? 8 : 0, 4)
  common.writeUInt32LE(crc32(data), 10)
  common.writeUInt32LE(packed.length, 14)
  common.writeUInt32LE(data.length, 18)
  common.writeUInt16LE(name.length, 22)
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), packed])
  const rest = Buffer.alloc(14)
  rest.writeUInt32LE((mode << 16) >>> 0, 6)
  const madeBy = Buffer.from([20, 3])
  const central = Buffer.concat([Buffer.from('PK\x01\x02'), madeBy, common, rest, Buffer.from(name)])
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(local.length, 16)
  writeFileSync(path, Buffer.concat([local, central, end]))
  return path
}
