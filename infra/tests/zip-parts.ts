// Packing and checksum of a zip entry. zlib.crc32 came with Node 22; we run on 20.

import { deflateRawSync } from 'node:zlib'

export const deflateRaw = (data: Buffer): Buffer => deflateRawSync(data)

/** CRC-32 of ISO-HDLC, bit by bit. */
export function crc32(data: Buffer): number {
  let crc = 0xffffffff
  for (const byte of data) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}
