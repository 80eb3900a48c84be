// One entry's first bytes out of a zip archive: enough to see what a Lambda package holds. It follows the central
// directory (PKWARE APPNOTE 4.3) and must never unpack more than it is asked for.

import { readFileSync } from 'node:fs'
import { constants, inflateRawSync } from 'node:zlib'

const END = 0x06054b50
const CENTRAL = 0x02014b50
const END_SIZE = 22
const STORED = 0
const DEFLATED = 8
const HOST_UNIX = 3

/** An entry of an archive. */
export interface ZipEntry {
  /** The first bytes of its content, unpacked. */
  readonly head: Buffer
  /** The permission bits, if the archive was made on a Unix. */
  readonly mode: number | undefined
}

/** The entry `name` of the archive at `path`; undefined if there is none. Throws if the file is no archive. */
export function zipEntry(path: string, name: string, bytes: number): ZipEntry | undefined {
  const zip = readFileSync(path)
  const end = endOfCentralDirectory(zip)
  if (end === undefined) throw new Error('is no zip archive')
  const entries = zip.readUInt16LE(end + 10)
  let at = zip.readUInt32LE(end + 16)
  for (let entry = 0; entry < entries; entry += 1) {
    if (zip.readUInt32LE(at) !== CENTRAL) throw new Error('has a damaged directory')
    const nameLength = zip.readUInt16LE(at + 28)
    if (zip.toString('utf8', at + 46, at + 46 + nameLength) === name) return read(zip, at, bytes)
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32)
  }
  return undefined
}

// A comment of up to 65,535 bytes may follow the record.
function endOfCentralDirectory(zip: Buffer): number | undefined {
  for (let at = zip.length - END_SIZE; at >= Math.max(0, zip.length - END_SIZE - 0xffff); at -= 1) {
    if (zip.readUInt32LE(at) === END) return at
  }
  return undefined
}

function read(zip: Buffer, central: number, bytes: number): ZipEntry {
  const method = zip.readUInt16LE(central + 10)
  const local = zip.readUInt32LE(central + 42)
  // The local header has an extra field of its own length.
  const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
  const packed = zip.subarray(start, start + zip.readUInt32LE(central + 20))
  const mode = zip.readUInt8(central + 5) === HOST_UNIX ? (zip.readUInt32LE(central + 38) >>> 16) & 0o777 : undefined
  return { head: unpacked(packed, method, bytes), mode }
}

function unpacked(packed: Buffer, method: number, bytes: number): Buffer {
  if (method === STORED) return packed.subarray(0, bytes)
  if (method !== DEFLATED) throw new Error(`is packed by method ${method}`)
  // SYNC_FLUSH takes a stream that is cut off, so that not all of a binary is unpacked for its first bytes.
  return inflateRawSync(packed.subarray(0, 65_536), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, bytes)
}
