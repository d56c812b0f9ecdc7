"""Named ways to change a log, each applied to its files as bytes. None of them may leave it clean."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from random import Random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.bodies import STOP, end, header, note_body
from audit.checkpoint import Signer
from audit.line import build, timestamp
from audit.merkle import Tree, leaf_hash

Files = dict[str, bytes]
Mutation = Callable[[Files, Random], Files]

MUTATIONS: dict[str, Mutation] = {}


def mutation(change: Mutation) -> Mutation:
    """Enter a change into the table, under its own name."""
    MUTATIONS[change.__name__.replace("_", " ")] = change
    return change


def segments(files: Mapping[str, bytes]) -> list[str]:
    """The plain segments in order."""
    return sorted(name for name in files if re.fullmatch(r"[0-9]{12}\.log", name))


def rows(data: bytes) -> list[bytes]:
    """The lines of a segment, each with its LF."""
    return data.splitlines(keepends=True)


def of_kind(files: Files, kind: str) -> list[tuple[str, int]]:
    """File and position of every line of a kind."""
    mark = b'"k":"%b"' % kind.encode()
    return [(name, n) for name in segments(files) for n, row in enumerate(rows(files[name])) if mark in row[:40]]


def edited(files: Files, name: str, change: Callable[[list[bytes]], list[bytes]]) -> Files:
    """The files with the lines of one of them changed."""
    return {**files, name: b"".join(change(rows(files[name])))}


def line_changed(files: Files, place: tuple[str, int], change: Callable[[bytes], bytes]) -> Files:
    """The files with one line changed."""
    name, at = place
    return edited(files, name, lambda x: [*x[:at], change(x[at]), *x[at + 1 :]])


def on_record(change: Callable[[bytes], bytes]) -> Mutation:
    """A change of one record."""
    return lambda files, random: line_changed(files, random.choice(of_kind(files, "rec")), change)


def on_note(change: Callable[[str], str]) -> Mutation:
    """A change of one signed note."""

    def apply(row: bytes) -> bytes:
        note = json.loads(row)["r"]["note"]
        old, new = (json.dumps(each, ensure_ascii=False)[1:-1].encode() for each in (note, change(note)))
        return row.replace(old, new)

    return lambda files, random: line_changed(files, random.choice(of_kind(files, "ckpt")), apply)


def renumbered(lines: list[bytes], start: int) -> list[bytes]:
    """Lines with indexes from `start` on."""
    return [re.sub(rb'^\{"i":[0-9]+', b'{"i":%d' % n, row) for n, row in enumerate(lines, start)]


# Deleting


@mutation
def delete_a_record(files: Files, random: Random) -> Files:
    name, at = random.choice(of_kind(files, "rec"))
    return edited(files, name, lambda x: x[:at] + x[at + 1 :])


@mutation
def delete_a_record_and_renumber(files: Files, random: Random) -> Files:
    name, at = random.choice(of_kind(files, "rec"))
    return edited(files, name, lambda x: renumbered(x[:at] + x[at + 1 :], int(name[:12])))


@mutation
def delete_a_checkpoint(files: Files, random: Random) -> Files:
    name, at = random.choice(of_kind(files, "ckpt")[:-1])
    return edited(files, name, lambda x: x[:at] + x[at + 1 :])


@mutation
def delete_a_header(files: Files, random: Random) -> Files:
    name = random.choice(segments(files))
    return edited(files, name, lambda x: x[1:])


@mutation
def delete_the_admission_of_a_recovery(files: Files, _: Random) -> Files:
    name, at = of_kind(files, "rcv")[0]
    return edited(files, name, lambda x: x[:at] + x[at + 1 :])


@mutation
def delete_a_seal(files: Files, random: Random) -> Files:
    name, at = random.choice(of_kind(files, "end"))
    return edited(files, name, lambda x: x[:at])


@mutation
def delete_a_batch(files: Files, random: Random) -> Files:
    name, at = random.choice(of_kind(files, "rec"))
    stop = next(n for file, n in of_kind(files, "ckpt") if file == name and n > at)
    return edited(files, name, lambda x: x[:at] + x[stop + 1 :])


@mutation
def delete_the_first_segment(files: Files, _: Random) -> Files:
    first = min(name for name in files if ".log" in name)
    return {name: data for name, data in files.items() if name != first}


@mutation
def delete_a_middle_segment(files: Files, random: Random) -> Files:
    gone = random.choice(segments(files)[1:-1])
    return {name: data for name, data in files.items() if name != gone}


@mutation
def delete_the_last_segment(files: Files, _: Random) -> Files:
    return {name: data for name, data in files.items() if name != segments(files)[-1]}


@mutation
def delete_all_but_the_last_segment(files: Files, _: Random) -> Files:
    return {segments(files)[-1]: files[segments(files)[-1]]}


@mutation
def empty_a_segment(files: Files, random: Random) -> Files:
    return {**files, random.choice(segments(files)): b""}


@mutation
def cut_a_segment_anywhere(files: Files, random: Random) -> Files:
    name = random.choice(segments(files))
    return {**files, name: files[name][: random.randrange(len(files[name]))]}


@mutation
def roll_back_to_a_checkpoint(files: Files, random: Random) -> Files:
    name, at = random.choice(of_kind(files, "ckpt")[:-1])
    kept = {each: data for each, data in files.items() if ".log" not in each or each <= name}
    return edited(kept, name, lambda x: x[: at + 1])


@mutation
def delete_a_line_feed(files: Files, random: Random) -> Files:
    return on_record(lambda row: row[:-1])(files, random)


@mutation
def delete_the_last_line_feed(files: Files, _: Random) -> Files:
    name = segments(files)[-1]
    return {**files, name: files[name][:-1]}


# Moving and doubling


@mutation
def swap_two_records(files: Files, random: Random) -> Files:
    pairs = [(name, at) for name, at in of_kind(files, "rec") if (name, at + 1) in of_kind(files, "rec")]
    name, at = random.choice(pairs)
    return edited(files, name, lambda x: [*x[:at], x[at + 1], x[at], *x[at + 2 :]])


@mutation
def swap_two_records_and_renumber(files: Files, random: Random) -> Files:
    swapped = swap_two_records(files, random)
    return {
        name: b"".join(renumbered(rows(data), int(name[:12]))) if name in segments(files) else data
        for name, data in swapped.items()
    }


@mutation
def swap_the_bodies_of_two_records(files: Files, random: Random) -> Files:
    (one, at), (other, there) = random.sample(of_kind(files, "rec"), 2)
    first, second = (re.search(rb'"r":(.*),"t"', rows(files[n])[a])[1] for n, a in ((one, at), (other, there)))  # type: ignore[index]  # every record has a body
    if first == second:
        second = b'{"event":"another"}'
    changed = line_changed(files, (one, at), lambda row: row.replace(first, second))
    return line_changed(changed, (other, there), lambda row: row.replace(second, first))


@mutation
def swap_two_segments(files: Files, random: Random) -> Files:
    one, other = random.sample(segments(files), 2)
    return {**files, one: files[other], other: files[one]}


@mutation
def double_a_record(files: Files, random: Random) -> Files:
    name, at = random.choice(of_kind(files, "rec"))
    return edited(files, name, lambda x: [*x[: at + 1], *x[at:]])


@mutation
def double_a_checkpoint(files: Files, random: Random) -> Files:
    name, at = random.choice(of_kind(files, "ckpt"))
    return edited(files, name, lambda x: [*x[: at + 1], *x[at:]])


@mutation
def double_the_last_segment(files: Files, _: Random) -> Files:
    name = segments(files)[-1]
    count = int(name[:12]) + len(rows(files[name]))
    return {**files, f"{count:012d}.log": files[name]}


@mutation
def move_a_record_into_another_segment(files: Files, random: Random) -> Files:
    name, at = random.choice(of_kind(files, "rec"))
    row = rows(files[name])[at]
    other = random.choice([each for each in segments(files) if each != name])
    return edited(edited(files, name, lambda x: x[:at] + x[at + 1 :]), other, lambda x: [*x, row])


@mutation
def rename_a_segment(files: Files, random: Random) -> Files:
    name = random.choice(segments(files))
    renamed = f"{int(name[:12]) + 1:012d}.log"
    return {renamed if each == name else each: data for each, data in files.items()}


# Adding


@mutation
def insert_a_record(files: Files, random: Random) -> Files:
    name, at = random.choice(of_kind(files, "rec"))
    forged = re.sub(rb'"r":.*,"t"', b'"r":{"event":"forged"},"t"', rows(files[name])[at])
    return edited(files, name, lambda x: [*x[:at], forged, *x[at:]])


@mutation
def insert_a_record_and_renumber(files: Files, random: Random) -> Files:
    name, at = random.choice(of_kind(files, "rec"))
    forged = re.sub(rb'"r":.*,"t"', b'"r":{"event":"forged"},"t"', rows(files[name])[at])
    return edited(files, name, lambda x: renumbered([*x[:at], forged, *x[at:]], int(name[:12])))


@mutation
def insert_a_blank_line(files: Files, random: Random) -> Files:
    name, at = random.choice(of_kind(files, "rec"))
    return edited(files, name, lambda x: [*x[:at], b"\n", *x[at:]])


@mutation
def append_a_record_behind_the_seal(files: Files, _: Random) -> Files:
    name = segments(files)[-1]
    last = json.loads(rows(files[name])[-1])
    forged = build(last["i"] + 1, b"rec", b'{"event":"forged"}', last["t"].encode())
    return {**files, name: files[name] + forged + b"\n"}


@mutation
def append_zeros_behind_the_seal(files: Files, random: Random) -> Files:
    name = random.choice(segments(files))
    return {**files, name: files[name] + bytes(4096)}


@mutation
def add_a_foreign_file(files: Files, random: Random) -> Files:
    return {**files, random.choice(["notes.txt", "000000000001.log.bak", ".hidden", "1.log"]): b""}


@mutation
def add_to_the_quarantine(files: Files, _: Random) -> Files:
    return {**files, "quarantine/000000000001-1.torn": b"x"}


@mutation
def change_the_quarantine(files: Files, random: Random) -> Files:
    name = random.choice([name for name in files if name.startswith("quarantine/")])
    return {**files, name: files[name] + b"x"}


# Editing records


@mutation
def edit_a_value(files: Files, random: Random) -> Files:
    return on_record(lambda row: row.replace(b'"n":', b'"n":1'))(files, random)


@mutation
def edit_chinese_text(files: Files, random: Random) -> Files:
    return on_record(lambda row: row.replace("医".encode(), "药".encode()))(files, random)


@mutation
def edit_a_name(files: Files, random: Random) -> Files:
    return on_record(lambda row: row.replace(b'"event"', b'"evenu"'))(files, random)


@mutation
def edit_an_index(files: Files, random: Random) -> Files:
    return on_record(lambda row: re.sub(rb'^\{"i":', b'{"i":1', row))(files, random)


@mutation
def edit_a_kind(files: Files, random: Random) -> Files:
    return on_record(
        lambda row: row.replace(b'"k":"rec"', b'"k":"%b"' % random.choice([b"rcv", b"end", b"REC", b"x"]))
    )(files, random)


@mutation
def edit_a_time(files: Files, random: Random) -> Files:
    digit = random.choice([b"0", b"9"])
    return on_record(lambda row: row[:-4] + (digit if row[-4:-3] != digit else b"5") + row[-3:])(files, random)


@mutation
def turn_time_back(files: Files, random: Random) -> Files:
    return on_record(lambda row: row.replace(b'"t":"2026', b'"t":"2016').replace(b'"t":"2027', b'"t":"2017'))(
        files, random
    )


@mutation
def add_white_space(files: Files, random: Random) -> Files:
    space = random.choice([b" ", b"\t", b"\r"])
    return on_record(lambda row: row.replace(b":", b":" + space, 3))(files, random)


@mutation
def add_white_space_at_the_end(files: Files, random: Random) -> Files:
    return on_record(lambda row: row[:-1] + b" \n")(files, random)


@mutation
def change_line_ends(files: Files, random: Random) -> Files:
    name = random.choice(segments(files))
    return {**files, name: files[name].replace(b"\n", b"\r\n")}


@mutation
def change_key_order(files: Files, random: Random) -> Files:
    return on_record(lambda row: re.sub(rb'"r":\{("[^,]*),(".*?)\}', rb'"r":{\2,\1}', row))(files, random)


@mutation
def repeat_a_key(files: Files, random: Random) -> Files:
    return on_record(lambda row: re.sub(rb'"r":\{("[^,}]*)', rb'"r":{\1,\1', row))(files, random)


@mutation
def repeat_the_body(files: Files, random: Random) -> Files:
    return on_record(lambda row: row.replace(b',"t"', b',"r":{},"t"'))(files, random)


@mutation
def escape_a_letter(files: Files, random: Random) -> Files:
    return on_record(lambda row: row.replace(b"event", b"\\u0065vent"))(files, random)


@mutation
def write_an_integer_otherwise(files: Files, random: Random) -> Files:
    tail = random.choice([b".0", b"e0"])
    return on_record(lambda row: re.sub(rb'("n":[0-9]+)', rb"\1" + tail, row))(files, random)


@mutation
def put_a_byte_order_mark_in_front(files: Files, random: Random) -> Files:
    name = random.choice(segments(files))
    return {**files, name: b"\xef\xbb\xbf" + files[name]}


@mutation
def break_the_encoding(files: Files, random: Random) -> Files:
    return on_record(lambda row: row.replace(b'"event":"', b'"event":"\xff'))(files, random)


@mutation
def flip_a_bit(files: Files, random: Random) -> Files:
    name = random.choice(segments(files))
    place, data = random.randrange(len(files[name])), bytearray(files[name])
    data[place] ^= 1 << random.randrange(8)
    return {**files, name: bytes(data)}


# Checkpoints, headers, keys


@mutation
def edit_the_size_in_a_note(files: Files, random: Random) -> Files:
    return on_note(lambda note: re.sub(r"\n([0-9]+)\n", r"\n1\1\n", note, count=1))(files, random)


@mutation
def edit_the_origin_in_a_note(files: Files, random: Random) -> Files:
    return on_note(lambda note: note.replace("host-a", "host-b", 1))(files, random)


@mutation
def edit_the_root_in_a_note(files: Files, random: Random) -> Files:
    def other(note: str) -> str:
        origin, size, _root, *rest = note.split("\n")
        return "\n".join([origin, size, base64.b64encode(bytes(32)).decode(), *rest])

    return on_note(other)(files, random)


@mutation
def edit_a_signature(files: Files, random: Random) -> Files:
    return on_note(lambda note: note[:-20] + ("A" if note[-20] != "A" else "B") + note[-19:])(files, random)


@mutation
def edit_the_key_id_in_a_note(files: Files, random: Random) -> Files:
    def other(note: str) -> str:
        head, blob = note[:-1].rsplit(" ", 1)
        return f"{head} {'A' * 5}{blob[5:]}\n"

    return on_note(other)(files, random)


@mutation
def use_the_spare_bits_of_a_signature(files: Files, random: Random) -> Files:
    def twin(note: str) -> str:
        last = note[-3]
        return f"{note[:-3]}{chr(ord(last) + 1)}{note[-2:]}"

    return on_note(twin)(files, random)


@mutation
def add_a_second_signature(files: Files, random: Random) -> Files:
    return on_note(lambda note: note + note[note.rindex("— ") :])(files, random)


@mutation
def drop_a_signature(files: Files, random: Random) -> Files:
    return on_note(lambda note: note[: note.rindex("— ")])(files, random)


@mutation
def replay_an_older_checkpoint(files: Files, random: Random) -> Files:
    places = of_kind(files, "ckpt")
    (older, at), (newer, there) = sorted(random.sample(places, 2))
    note = re.search(rb'"r":.*,"t"', rows(files[older])[at])
    assert note is not None
    return line_changed(files, (newer, there), lambda row: re.sub(rb'"r":.*,"t"', lambda _: note[0], row))


@mutation
def sign_a_checkpoint_with_another_key(files: Files, random: Random) -> Files:
    stranger = _stranger()

    def resign(note: str) -> str:
        text = note[: note.index("\n\n") + 1]
        return f"{text}\n— {stranger.key.origin} {stranger.signature(text)}\n"

    return on_note(resign)(files, random)


@mutation
def write_the_whole_log_anew_with_another_key(_files: Files, _: Random) -> Files:
    signer, tree, time = _stranger(), Tree(), timestamp(1_795_420_800_000_000_000)
    lines: list[bytes] = []
    for kind, body in ((b"hdr", header(signer.key, 1, tree)), (b"end", end(STOP))):
        lines.append(build(tree.size, kind, body, time))
        tree.append(leaf_hash(lines[-1]))
        lines.append(build(tree.size, b"ckpt", note_body(signer.sign(tree.size, tree.root())), time))
        tree.append(leaf_hash(lines[-1]))
    return {"000000000000.log": b"\n".join(lines) + b"\n"}


@mutation
def edit_a_frontier(files: Files, random: Random) -> Files:
    places = [(name, at) for name, at in of_kind(files, "hdr") if int(name[:12])]
    return line_changed(
        files, random.choice(places), lambda row: re.sub(rb'"frontier":\["....', b'"frontier":["AAAA', row)
    )


@mutation
def edit_the_number_of_a_segment(files: Files, random: Random) -> Files:
    return line_changed(
        files, random.choice(of_kind(files, "hdr")), lambda row: row.replace(b'"segment":', b'"segment":1')
    )


@mutation
def edit_the_key_in_a_header(files: Files, random: Random) -> Files:
    vkey = _stranger().key.vkey.encode()
    return line_changed(
        files,
        random.choice(of_kind(files, "hdr")),
        lambda row: re.sub(rb'"key":"[^"]*"', b'"key":"' + vkey + b'"', row),
    )


@mutation
def turn_a_rotation_into_a_stop(files: Files, random: Random) -> Files:
    places = [(name, at) for name, at in of_kind(files, "end") if b"rotate" in rows(files[name])[at]]
    return line_changed(files, random.choice(places), lambda row: row.replace(b"rotate", b"stop"))


@mutation
def splice_in_a_segment_of_another_host(files: Files, random: Random) -> Files:
    name = random.choice(segments(files))
    return {**files, name: files[name].replace(b"host-a/hangu", b"host-b/hangu")}


def _stranger() -> Signer:
    return Signer("host-a/hangu", Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))
