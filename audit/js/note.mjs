// Keys and signed notes (https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint), Ed25519 only.
import { createHash, createPublicKey, verify } from "node:crypto";
import { Bad } from "./canonical.mjs";

const ORIGIN = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/;
const NOTE = /^([^\n]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n\n((?:— [^ \n]+ [A-Za-z0-9+/=]+\n)+)$/;
const SPKI = Buffer.from("302a300506032b6570032100", "hex"); // RFC 8410: what stands before the 32 bytes of the key

/** Base64 in its one spelling: padded, with zero spare bits. */
export function base64(text) {
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text) throw new Bad("not base64 in its one spelling");
  return bytes;
}

/** The public key of one log under its origin. */
export class LogKey {
  constructor(origin, raw) {
    if (!ORIGIN.test(origin)) throw new Bad("not an origin");
    const typed = Buffer.concat([Buffer.from([1]), raw]);
    this.origin = origin;
    this.raw = raw;
    this.id = createHash("sha256").update(`${origin}\n`).update(typed).digest().subarray(0, 4);
    this.vkey = `${origin}+${this.id.toString("hex")}+${typed.toString("base64")}`;
    this.public = createPublicKey({ key: Buffer.concat([SPKI, raw]), format: "der", type: "spki" });
  }

  signed(text, signature) {
    let blob;
    try {
      blob = base64(signature);
    } catch {
      return false;
    }
    if (blob.length !== 68 || !blob.subarray(0, 4).equals(this.id)) return false;
    return verify(null, Buffer.from(text), this.public, blob.subarray(4));
  }
}

/** The key of a verifier key line. Throws Bad. */
export function parseVkey(line) {
  const [origin, id, rest] = [...line.split("+", 2), line.split("+").slice(2).join("+")];
  const typed = base64(rest);
  if (typed.length !== 33 || typed[0] !== 1) throw new Bad("not an Ed25519 verifier key line");
  const key = new LogKey(origin, typed.subarray(1));
  if (key.id.toString("hex") !== id) throw new Bad("the id does not fit the key");
  return key;
}

/** The raw public key in a file (PEM, or a verifier key line), and the origin where the file names one. */
export function readKey(text) {
  if (text.trimStart().startsWith("-----BEGIN")) {
    const { kty, crv, x } = createPublicKey(text).export({ format: "jwk" });
    if (kty !== "OKP" || crv !== "Ed25519") throw new Bad("not an Ed25519 key");
    return { raw: Buffer.from(x, "base64url"), origin: null };
  }
  const key = parseVkey(text.trim());
  return { raw: key.raw, origin: key.origin };
}

export const checkpointText = (origin, size, root) => `${origin}\n${size}\n${root.toString("base64")}\n`;

/** Origin, size, root and the signatures under the origin's own name of a checkpoint note. Throws Bad. */
export function parseNote(note) {
  const match = NOTE.exec(note);
  if (!match) throw new Bad("not a checkpoint note");
  const [, origin, size, root, lines] = match;
  const own = lines.split("\n").slice(0, -1).map((line) => line.split(" ")).filter(([, name]) => name === origin);
  return { origin, size: Number(size), root: base64(root), signatures: own.map(([, , signature]) => signature) };
}
