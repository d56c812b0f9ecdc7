#!/usr/bin/env node
// A second verifier of the audit log, written from docs/audit-format.md alone.
//
//   node verify.mjs DIR --key FILE [--anchor FILE]...
//
// Prints {"exit", "file", "line", "what"} as JSON. Exit code: 0 clean, 3 torn tail, 10 tampered, 2 wrong usage.
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readFileSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gunzip } from "./archive.mjs";
import { Bad } from "./canonical.mjs";
import { LogKey, checkpointText, parseNote, parseVkey, readKey } from "./note.mjs";
import { Log, Tampered } from "./log.mjs";

const SEGMENT = /^([0-9]{12})\.log(\.gz)?$/;
const TORN = /^[0-9]{12}-[0-9]+\.torn$/;

/** Nothing to judge: no log, no usable key or anchor. */
class Usage extends Error {}

/** 0 or 3. Throws Tampered, Usage or Bad. The numbers are those of the page's list of steps. */
export function verify(directory, key, notes) {
  const names = listing(directory); // 1
  const anchors = trustedAnchors(directory, names, key.raw, notes);
  const log = new Log(key.raw, key.origin, agreed(anchors));
  const torn = read(directory, names, log); // 2
  const last = names.at(-1);
  if (log.checkpoints.size === 0) throw new Tampered(last, 0, "nothing in this log is signed"); // 3
  if (!log.trustedSigned) throw new Tampered(names[0], 1, "nothing in this log is signed by the given key");
  const first = Number(names[0].slice(0, 12));
  const purges = log.purges.filter((purge) => purge.size < log.signedSize);
  if (first > 0 && !purges.some((purge) => purge.first >= first)) throw new Tampered(names[0], 1, "no purge says so"); // 4
  const waiting = quarantined(directory).filter((name) => Number(name.slice(11, 23)) === log.signedSize);
  const open = log.ended && log.ended.why !== "stop" && log.last === "sealed";
  if (open && waiting.length === 0) throw new Tampered(last, 0, "the segment after it is missing"); // 5
  checkAnchors(log, anchors, first, last); // 6
  checkFiles(directory, names, log, purges, waiting); // 7
  return torn || log.torn || waiting.length > 0 ? 3 : 0;
}

/** The segments' files in order, without archives that stand beside their `.log`. */
function listing(directory) {
  const archived = [];
  const plain = [];
  for (const name of readdirSync(directory).sort()) {
    const type = lstatSync(join(directory, name));
    const match = type.isFile() && SEGMENT.exec(name);
    if (match) (match[2] ? archived : plain).push(name);
    else if (!(name === "writer.lock" && type.isFile()) && !(name === "writer.sock" && type.isSocket()) && !(name === "quarantine" && type.isDirectory())) {
      throw new Tampered(name, 0, "does not belong there");
    }
  }
  const names = [...plain, ...archived.filter((name) => !plain.includes(name.slice(0, -3)))].sort();
  if (names.length === 0) throw new Usage(`${directory}: no segment`);
  const newest = archived.find((name) => name.startsWith(names.at(-1).slice(0, 12)));
  if (newest) throw new Tampered(newest, 0, "the newest segment is never archived");
  return names;
}

/** Feed every line to the log. Returns whether the log is torn behind its last whole line. */
function read(directory, names, log) {
  let torn = false;
  for (const name of names) {
    const data = content(directory, name);
    if (torn) {
      if (data.some((byte) => byte !== 0)) throw log.bad(log.row + 1, "the signed end of the segment is missing");
      continue;
    }
    log.begin(name, Number(name.slice(0, 12)));
    let start = 0;
    for (let stop = data.indexOf(10); stop >= 0; stop = data.indexOf(10, start)) {
      log.feed(data.subarray(start, stop));
      start = stop + 1;
    }
    log.partial(data.subarray(start));
    torn = start < data.length || log.torn;
  }
  return torn;
}

function content(directory, name) {
  const data = readFileSync(join(directory, name));
  if (!name.endsWith(".gz")) return data;
  const found = gunzip(data);
  if (found === null) throw new Tampered(name, 0, "the archive is damaged");
  return found;
}

/** The checkpoints in the notes, each signed by the given key or by one that a `hdr` of the log names. */
function trustedAnchors(directory, names, trusted, notes) {
  const known = [trusted, ...names.flatMap((name) => headerKey(directory, name))];
  return notes.map((text) => {
    const note = parseNote(text);
    const signed = known.some((raw) => {
      const key = new LogKey(note.origin, raw);
      return note.signatures.some((each) => key.signed(checkpointText(note.origin, note.size, note.root), each));
    });
    if (!signed) throw new Usage("an anchor is not signed by a key of the log");
    return { origin: note.origin, size: note.size, root: note.root.toString("base64") };
  });
}

/** Roots by size, without sizes for which two anchors contradict each other: step 6 says so. */
function agreed(anchors) {
  const roots = new Map();
  for (const { size, root } of anchors) roots.set(size, (roots.get(size) ?? root) === root ? root : null);
  return new Map([...roots].filter(([, root]) => root !== null));
}

function headerKey(directory, name) {
  try {
    const line = JSON.parse(content(directory, name).toString().split("\n", 1)[0]);
    return [parseVkey(line.r.key).raw];
  } catch {
    return []; // what is wrong with it is said when the line is read
  }
}

function checkAnchors(log, anchors, first, last) {
  const telling = anchors.filter((anchor) => anchor.size >= first);
  if (anchors.length > 0 && telling.length === 0) throw new Usage("all anchors are of lines that were purged");
  for (const { origin, size, root } of telling) {
    if (origin !== log.key.origin || log.checkpoints.get(size) !== root) {
      throw new Tampered(last, 0, `the anchor of ${size} lines is not met`);
    }
  }
}

function quarantined(directory) {
  const folder = join(directory, "quarantine");
  if (!existsSync(folder)) return [];
  return readdirSync(folder).sort().map((name) => {
    if (!TORN.test(name) || !lstatSync(join(folder, name)).isFile()) throw new Tampered(`quarantine/${name}`, 0, "does not belong there");
    return `quarantine/${name}`;
  });
}

function checkFiles(directory, names, log, purges, waiting) {
  const same = (data, said) => data.length === said.bytes && createHash("sha256").update(data).digest("hex") === said.sha256;
  const removed = new Map(purges.flatMap((purge) => purge.removed.map((said) => [said.file, said])));
  const aside = new Map(log.recovered.map((said) => [said.file, said]));
  for (const name of quarantined(directory).filter((each) => !waiting.includes(each))) {
    const said = aside.get(name) ?? removed.get(name);
    if (!said || !same(readFileSync(join(directory, name)), said)) throw new Tampered(name, 0, "not what was set aside");
  }
  const kept = Math.max(0, ...purges.map((purge) => purge.first));
  for (const name of names) {
    const said = removed.get(name.slice(0, 16));
    if (said ? !same(content(directory, name), said) : Number(name.slice(0, 12)) < kept) throw new Tampered(name, 0, "not what was purged");
    const archive = `${name}.gz`;
    if (existsSync(join(directory, archive)) && !content(directory, archive).equals(content(directory, name))) {
      throw new Tampered(archive, 0, "differs from the segment beside it");
    }
  }
}

/** What is printed for a command line. */
export function judge(args) {
  try {
    return { exit: run(args), file: null, line: null, what: null };
  } catch (error) {
    if (error instanceof Tampered) return { exit: 10, file: error.file, line: error.line, what: error.message };
    if (!(error instanceof Usage || error instanceof Bad || error.code !== undefined)) throw error;
    return { exit: 2, file: null, line: null, what: error.message };
  }
}

function run(args) {
  const options = { key: { type: "string" }, anchor: { type: "string", multiple: true, default: [] } };
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
  if (positionals.length !== 1 || !values.key) throw new Usage("node verify.mjs DIR --key FILE [--anchor FILE]...");
  const notes = values.anchor.flatMap((file) => {
    const found = readFileSync(file, "utf8").match(/[^\n]+\n[^\n]+\n[^\n]+\n\n(?:— [^\n]*\n)+/g);
    if (found === null) throw new Usage(`${file}: not a file of checkpoint notes`);
    return found;
  });
  return verify(positionals[0], readKey(readFileSync(values.key, "utf8")), notes);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const result = judge(process.argv.slice(2));
  console.log(JSON.stringify(result));
  process.exitCode = result.exit;
}
