// The bodies of `hdr`, `rcv`, `purge` and `end` lines: exactly these members, of these types.
import { Bad, parse } from "./canonical.mjs";
import { base64, parseVkey } from "./note.mjs";
import { Tree, bitCount } from "./tree.mjs";

const SEGMENT = /^([0-9]{12})\.log$/;
const TORN = /^quarantine\/([0-9]{12})-[0-9]+\.torn$/;
const HEX = /^[0-9a-f]{64}$/;
const TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$/;
const FLOOR = 183n * 86_400n * 1_000_000n; // microseconds that a line is kept at least

/** A time of the log as microseconds since 1970, a BigInt. Throws Bad for a text that is no such time. */
export function microseconds(time) {
  const whole = Date.parse(`${time.slice(0, 19)}Z`);
  if (!TIME.test(time) || Number.isNaN(whole) || new Date(whole).toISOString().slice(0, 19) !== time.slice(0, 19)) {
    throw new Bad("time is not RFC 3339 UTC with microseconds");
  }
  if (time < "0001") throw new Bad("the year 0 is not a time of the log");
  return BigInt(whole) * 1000n + BigInt(time.slice(20, 26));
}

/** What a `hdr` claims. */
export function header(text) {
  const body = members(text, ["format", "key", "origin", "previous", "segment"]);
  const previous = membersOf(body.get("previous"), ["frontier", "root", "size"]);
  const size = count(previous.get("size"));
  const nodes = list(previous.get("frontier")).map((node) => base64(string(node)));
  const tree = new Tree(size, nodes);
  if (nodes.length !== bitCount(size) || nodes.some((node) => node.length !== 32)) throw new Bad("frontier and size differ");
  if (!tree.root().equals(base64(string(previous.get("root"))))) throw new Bad("frontier and root differ");
  if (body.get("format") !== "hangu-audit/1") throw new Bad("another format");
  const key = parseVkey(string(body.get("key")));
  if (key.origin !== body.get("origin")) throw new Bad("key and origin differ");
  const number = count(body.get("segment"));
  if (number < 1) throw new Bad("segments are numbered from 1");
  return { key, number, tree };
}

/** The files that a `rcv` says were set aside. */
export function recovered(text) {
  return list(members(text, ["torn"]).get("torn")).map((entry) => file(entry, TORN));
}

/** Why a segment ended, and the next key where it ended with `rekey`. */
export function end(text, key) {
  if (text === '{"why":"rotate"}') return { why: "rotate" };
  if (text === '{"why":"stop"}') return { why: "stop" };
  const body = members(text, ["next", "why"]);
  const next = parseVkey(string(body.get("next")));
  if (body.get("why") !== "rekey" || next.origin !== key.origin || next.vkey === key.vkey) throw new Bad("not an `end`");
  return { why: "rekey", next };
}

/** A `purge` in a segment that starts with line `segment`, written at `time`, after a purge up to `before` (or null). */
export function purge(text, segment, time, before) {
  const body = members(text, ["before", "first", "removed"]);
  const first = count(body.get("first"));
  const limit = microseconds(string(body.get("before")));
  const removed = list(body.get("removed")).map((entry) => file(entry, SEGMENT, TORN));
  const segments = removed.filter((entry) => SEGMENT.test(entry.file));
  const ordered = [...segments, ...removed.filter((entry) => TORN.test(entry.file))];
  const sorted = ordered.every((entry, at) => entry === removed[at] && (at === 0 || at === segments.length || ordered[at - 1].file < entry.file));
  if (segments.length === 0 || !sorted) throw new Bad("`removed` is not segments and then quarantine, each in order");
  if (removed.some((entry) => entry.number >= first) || first > segment) throw new Bad("`first` is not behind what is removed");
  if (before !== null && segments[0].number !== before) throw new Bad("does not go on where the purge before ended");
  if (limit > microseconds(time) - FLOOR) throw new Bad("removes what is younger than 183 days");
  return { first, before: string(body.get("before")), removed };
}

function members(text, names) {
  return membersOf(parse(text), names);
}

function membersOf(value, names) {
  if (!(value instanceof Map) || [...value.keys()].join() !== names.join()) throw new Bad(`has not the members ${names}`);
  return value;
}

function file(entry, ...patterns) {
  const found = membersOf(entry, ["bytes", "file", "sha256"]);
  const name = string(found.get("file"));
  const match = patterns.map((pattern) => pattern.exec(name)).find(Boolean);
  if (!match || !HEX.test(string(found.get("sha256")))) throw new Bad("not a file of the log");
  return { file: name, number: Number(match[1]), bytes: count(found.get("bytes")), sha256: found.get("sha256") };
}

function string(value) {
  if (typeof value !== "string") throw new Bad("a string is missing");
  return value;
}

function list(value) {
  if (!Array.isArray(value)) throw new Bad("a list is missing");
  return value;
}

function count(value) {
  if (typeof value !== "bigint" || value < 0n) throw new Bad("a count is missing");
  return Number(value);
}
