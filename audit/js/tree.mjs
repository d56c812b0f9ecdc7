// The Merkle tree of RFC 6962 section 2.1, of which only the frontier is kept.
import { createHash } from "node:crypto";

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();
const LEAF = Buffer.from([0]);
const NODE = Buffer.from([1]);

export const leafHash = (line) => sha256(LEAF, line);

export class Tree {
  /** `frontier`: the roots of the perfect subtrees, largest first, one for each bit set in `size`. */
  constructor(size = 0, frontier = []) {
    this.size = size;
    this.frontier = frontier;
  }

  append(leaf) {
    let node = leaf;
    for (let position = this.size; position % 2 === 1; position = (position - 1) / 2) {
      node = sha256(NODE, this.frontier.pop(), node);
    }
    this.frontier.push(node);
    this.size += 1;
  }

  root() {
    if (this.frontier.length === 0) return sha256();
    return this.frontier.reduceRight((right, left) => sha256(NODE, left, right));
  }
}

/** How many bits are set: the length of a frontier. */
export function bitCount(size) {
  let count = 0;
  for (let left = size; left > 0; left = Math.floor(left / 2)) count += left % 2;
  return count;
}
