// The lines of a log in order, each held against what must stand there.
import { Bad, parse } from "./canonical.mjs";
import { end, header, microseconds, purge, recovered } from "./bodies.mjs";
import { checkpointText, parseNote } from "./note.mjs";
import { Tree, leafHash } from "./tree.mjs";

const MAX_LINE = (1 << 20) + 128;
const TAIL = ',"t":"2026-11-23T08:00:00.000000Z"}'.length;
const FOLLOWS = {
  "": ["hdr"],
  hdr: ["rcv", "ckpt"],
  rcv: ["ckpt"],
  ckpt: ["rec", "purge", "end"],
  rec: ["rec", "purge", "end", "ckpt"],
  purge: ["rec", "purge", "end", "ckpt"],
  end: ["ckpt"],
  sealed: [],
};

/** The log is not what was signed: the file, the line (0 is the file as a whole) and why. */
export class Tampered extends Error {
  constructor(file, line, what) {
    super(`${file}:${line}: ${what}`);
    this.file = file;
    this.line = line;
  }
}

const segmentName = (first) => `${String(first).padStart(12, "0")}.log`;

/** The state of a log after some of its lines. */
export class Log {
  /** From outside: the raw key, the origin or null, and the anchors' roots (base64) by their sizes. */
  constructor(trusted, origin, anchors) {
    this.trusted = trusted;
    this.origin = origin;
    this.anchors = anchors;
    this.tree = null;
    this.key = null; // of the segment
    this.number = 0;
    this.time = "";
    this.ended = null;
    this.recovered = [];
    this.purges = []; // { first, before, removed, size } in order; size: of the checkpoint that signs it
    this.starts = new Map(); // first index of each segment -> time of its last line
    this.checkpoints = new Map(); // size -> root, base64
    this.signedSize = null; // lines up to and with the newest checkpoint
    this.trustedSigned = false;
    this.file = "";
    this.row = 0;
    this.last = "";
  }

  get size() {
    return this.tree ? this.tree.size : 0;
  }

  /** Whether anything stands behind the newest checkpoint of the segment, or the segment has none. */
  get torn() {
    return this.file !== "" && this.last !== "ckpt" && this.last !== "sealed";
  }

  begin(file, first) {
    this.unclean = this.last === "ckpt";
    this.tree ??= new Tree(first); // a frontier follows with the `hdr`
    this.fresh = this.file === "";
    this.file = file;
    this.first = first;
    this.row = 0;
    this.batch = 1;
    this.last = "";
  }

  /** Take one whole line, a Buffer without its LF. */
  feed(raw) {
    this.row += 1;
    try {
      if (raw.length > MAX_LINE) throw new Bad("too long");
      const line = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
      this.take(line, raw);
    } catch (error) {
      if (error instanceof Tampered) throw error;
      throw new Tampered(this.file, this.row, error.message);
    }
  }

  /** What follows the last LF must be the start of the next line, with NULs behind it. */
  partial(rest) {
    let stop = rest.length;
    while (stop > 0 && rest[stop - 1] === 0) stop -= 1;
    if (rest.length === 0) return;
    const head = `{"i":${this.size},"k":"`;
    const text = rest.subarray(0, Math.min(stop, head.length)).toString("latin1");
    if (this.last === "sealed" || !head.startsWith(text)) throw this.bad(this.row + 1, "nothing that a writer began");
  }

  take(line, raw) {
    const head = `{"i":${this.size},"k":"`;
    const rest = line.slice(head.length);
    const kind = /^([a-z]{1,5})","r":/.exec(rest)?.[1];
    const tail = /^,"t":"(.{27})"}$/s.exec(rest.slice(-TAIL));
    if (!line.startsWith(head) || kind === undefined || !tail) throw new Bad("not framed as the next line");
    const body = rest.slice(kind.length + '","r":'.length, -TAIL);
    if (!FOLLOWS[this.last].includes(kind)) throw new Bad(`a ${kind} cannot stand here`);
    if (this.unclean && this.last === "hdr" && kind !== "rcv") throw new Bad("a rcv must stand here");
    this.takeTime(kind, tail[1]);
    if (kind === "ckpt") this.checkpoint(body);
    else this.entry(kind, body);
    this.tree.append(leafHash(raw));
    if (kind === "ckpt") this.signedSize = this.size;
    this.starts.set(this.first, this.time);
    this.last = kind === "ckpt" && this.last === "end" ? "sealed" : kind;
  }

  takeTime(kind, time) {
    if (time === this.time) return;
    if (kind === "ckpt") throw new Bad("a checkpoint has the time of the line before it");
    microseconds(time);
    if (time < this.time) throw new Bad("time runs backwards");
    this.time = time;
  }

  entry(kind, body) {
    if (kind === "rec") parse(body);
    else if (kind === "hdr") this.header(body);
    else if (kind === "rcv") this.recovered.push(...recovered(body));
    else if (kind === "end") this.ended = end(body, this.key);
    else this.purge(body);
  }

  header(body) {
    const { key, number, tree } = header(body);
    if (this.fresh && this.first > 0) this.tree = tree.size === this.first ? tree : this.tree;
    const continues = tree.size === this.size && tree.root().equals(this.tree.root());
    if (!continues || this.first !== this.size) throw new Bad("does not continue the log before it");
    if (this.origin !== null && key.origin !== this.origin) throw new Bad("another origin");
    const expected = this.ended?.why === "rekey" ? this.ended.next : this.key;
    if (expected && key.vkey !== expected.vkey) throw new Bad("another key");
    if (this.fresh ? this.first === 0 && number !== 1 : number !== this.number + 1) throw new Bad("another number");
    this.key = key;
    this.number = number;
    this.ended = null;
  }

  checkpoint(body) {
    const text = checkpointText(this.key.origin, this.size, this.tree.root());
    const start = `{"note":"${text.replaceAll("\n", "\\n")}\\n— ${this.key.origin} `;
    const signature = body.slice(start.length, -'\\n"}'.length);
    if (body !== `${start}${signature}\\n"}` || signature.length !== 92) throw this.otherCheckpoint(body);
    if (!this.key.signed(text, signature)) throw new Bad("not signed by the log's key");
    const root = this.tree.root().toString("base64");
    if ((this.anchors.get(this.size) ?? root) !== root) throw new Bad("an anchor has another root");
    this.checkpoints.set(this.size, root);
    this.trustedSigned ||= this.key.raw.equals(this.trusted);
    this.batch = this.row + 1;
  }

  /** A checkpoint that is well signed, for as many lines as there are, accuses the lines; any other itself. */
  otherCheckpoint(body) {
    const note = parseNote(String(parse(body).get("note")));
    const text = checkpointText(note.origin, note.size, note.root);
    const signed = note.origin === this.key.origin && note.signatures.some((each) => this.key.signed(text, each));
    return this.bad(signed && note.size === this.size ? this.batch : this.row, "checkpoint and lines differ");
  }

  purge(body) {
    const before = this.purges.at(-1)?.first ?? (this.starts.has(0) ? 0 : null);
    const found = purge(body, this.first, this.time, before);
    if (found.first >= Math.min(...this.starts.keys()) && !this.starts.has(found.first)) throw new Bad("`first` starts no segment");
    const named = new Set(found.removed.map((each) => each.file));
    for (const [start, time] of this.starts) {
      const gone = start < found.first && start >= found.removed[0].number;
      if (gone && !named.has(segmentName(start))) throw new Bad("a segment in between is not named");
      if (gone && time >= found.before) throw new Bad("`before` is not behind what is removed");
    }
    this.purges.push({ ...found, size: this.size });
  }

  bad(row, what) {
    return new Tampered(this.file, row, what);
  }
}
