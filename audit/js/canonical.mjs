// Canonical JSON of the log: RFC 8785, restricted to ASCII keys, no floats, |integer| < 2^53. What parses is canonical.

const MAX_DEPTH = 64;
const SHORT = { '"': '"', "\\": "\\", b: "\b", t: "\t", n: "\n", f: "\f", r: "\r" };
const SPELLED = new Set(["\b", "\t", "\n", "\f", "\r"]);

/** A line, body or text of the log that is not what the format allows there. */
export class Bad extends Error {}

/** The object whose canonical text is exactly `text`. Throws Bad for any other text. Integers are BigInts. */
export function parse(text) {
  const reader = new Reader(text);
  if (text[0] !== "{") throw new Bad("not a JSON object");
  const value = reader.value(1);
  if (reader.at !== text.length) throw new Bad("something follows the JSON object");
  return value;
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  value(depth) {
    const first = this.text[this.at];
    if (first === "{") return this.object(depth);
    if (first === "[") return this.list(depth);
    if (first === '"') return this.string();
    for (const [word, value] of [["true", true], ["false", false], ["null", null]]) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.integer();
  }

  object(depth) {
    const found = new Map();
    let last = null;
    this.members("}", depth, () => {
      const key = this.string();
      // Keys are ASCII, so comparing UTF-16 code units compares what RFC 8785 section 3.2.3 asks for.
      if (!/^[\0-\x7f]*$/.test(key) || (last !== null && key <= last)) throw new Bad("keys must be ASCII, sorted, unique");
      last = key;
      this.expect(":");
      found.set(key, this.value(depth + 1));
    });
    return found;
  }

  list(depth) {
    const found = [];
    this.members("]", depth, () => found.push(this.value(depth + 1)));
    return found;
  }

  members(close, depth, member) {
    if (depth > MAX_DEPTH) throw new Bad(`nested deeper than ${MAX_DEPTH} levels`);
    this.at += 1;
    if (this.text[this.at] !== close) {
      member();
      while (this.text[this.at] === ",") {
        this.at += 1;
        member();
      }
    }
    this.expect(close);
  }

  string() {
    this.expect('"');
    let found = "";
    for (;;) {
      const char = this.text[this.at];
      if (char === undefined || char < " ") throw new Bad("a string is not ended or holds a bare control character");
      this.at += 1;
      if (char === '"') return found;
      found += char === "\\" ? this.escape() : char;
    }
  }

  escape() {
    const letter = this.text[this.at];
    this.at += 1;
    if (letter in SHORT) return SHORT[letter];
    const digits = this.text.slice(this.at, this.at + 4);
    const char = String.fromCharCode(parseInt(digits, 16));
    if (letter !== "u" || !/^00[01][0-9a-f]$/.test(digits) || SPELLED.has(char)) throw new Bad("not the one escape");
    this.at += 4;
    return char;
  }

  integer() {
    const found = /^(0|-?[1-9][0-9]{0,15})(?![0-9.eE])/.exec(this.text.slice(this.at, this.at + 20));
    if (!found || !Number.isSafeInteger(Number(found[0]))) throw new Bad("not an integer below 2^53");
    this.at += found[0].length;
    return BigInt(found[0]);
  }

  expect(char) {
    if (this.text[this.at] !== char) throw new Bad(`${char} is missing`);
    this.at += 1;
  }
}
