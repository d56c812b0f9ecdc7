// One gzip member (RFC 1952) with the fixed header of an archived segment, and nothing behind it.
import { inflateRawSync } from "node:zlib";

const HEADER = Buffer.from("1f8b08000000000000ff", "hex");
const TRAILER = 8; // CRC-32 and length

const TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
  let rest = value;
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

function crc32(data) {
  let crc = 0xffffffff;
  for (const byte of data) crc = TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** The content, or null where this is no such member. */
export function gunzip(data) {
  if (!data.subarray(0, HEADER.length).equals(HEADER)) return null;
  try {
    const { buffer, engine } = inflateRawSync(data.subarray(HEADER.length), { info: true });
    const trailer = data.subarray(HEADER.length + engine.bytesWritten);
    const whole = trailer.length === TRAILER && trailer.readUInt32LE(0) === crc32(buffer);
    return whole && trailer.readUInt32LE(4) === buffer.length % 2 ** 32 ? buffer : null;
  } catch {
    return null;
  }
}
