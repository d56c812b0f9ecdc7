"""A checkpoint folder on disk."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from model_runtime.chatglm3.checkpoint import INDEX, read_checkpoint
from model_runtime.chatglm3.errors import CheckpointError


def shard(folder: Path, *names: str, weight_map: Any = None) -> None:
    """Turn the single file of `folder` into shards of these names, all of them the same file."""
    single = folder / "model.safetensors"
    for name in names:
        (folder / name).write_bytes(single.read_bytes())
    single.unlink()
    weight_map = {f"k{at}": name for at, name in enumerate(names)} if weight_map is None else weight_map
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


def test_single_file(folder: Path) -> None:
    """A folder with one weight file is a checkpoint of that file; digests name what was hashed."""
    checkpoint = read_checkpoint(folder)
    assert [path.name for path in checkpoint.files()] == ["config.json", "model.safetensors"]
    expected = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in checkpoint.files()}
    assert checkpoint.digests() == expected


def test_shards(folder: Path) -> None:
    """The index names the shards, and counts as a file of the checkpoint."""
    shard(folder, "a.safetensors", "b.safetensors")
    names = [path.name for path in read_checkpoint(folder).files()]
    assert names == ["config.json", INDEX, "a.safetensors", "b.safetensors"]


def test_fingerprint_shows_a_swapped_file(folder: Path) -> None:
    """A file replaced between two looks changes the fingerprint."""
    checkpoint = read_checkpoint(folder)
    before = checkpoint.fingerprint()
    assert checkpoint.fingerprint() == before
    copy = folder / "copy"
    copy.write_bytes((folder / "model.safetensors").read_bytes())
    copy.replace(folder / "model.safetensors")
    assert checkpoint.fingerprint() != before


@pytest.mark.parametrize("name", ["../x.safetensors", "/etc/x.safetensors", "a/../x.safetensors", "sub/x.safetensors"])
def test_shard_name_leaves_the_folder(folder: Path, name: str) -> None:
    """A path traversal through the index is refused, whether or not the file exists."""
    (folder.parent / "x.safetensors").touch()
    shard(folder, weight_map={"k": name})
    with pytest.raises(CheckpointError, match="not the bare name"):
        read_checkpoint(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "a.safetensors"])
def test_symlink_out_of_the_folder(folder: Path, name: str) -> None:
    """A link that leads out of the folder is not followed."""
    if name == "a.safetensors":
        shard(folder, name)
    outside = folder.parent / name
    (folder / name).rename(outside)
    (folder / name).symlink_to(outside)
    with pytest.raises(CheckpointError, match="leads out of the folder"):
        read_checkpoint(folder)


def test_symlink_inside_the_folder(folder: Path) -> None:
    """A link to a file of the folder is fine, and so is a folder reached through a link."""
    (folder / "model.safetensors").rename(folder / "blob")
    (folder / "model.safetensors").symlink_to("blob")
    link = folder.parent / "link"
    link.symlink_to(folder)
    assert read_checkpoint(link).folder == folder.resolve()


def test_fifo_does_not_hang(folder: Path) -> None:
    """A named pipe in the place of a file is refused, not waited for."""
    (folder / "model.safetensors").unlink()
    os.mkfifo(folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="not a regular file"):
        read_checkpoint(folder)


def test_pickled_weights(folder: Path) -> None:
    """Pickled weights are refused with the reason, never opened."""
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="unpickling them can run code"):
        read_checkpoint(folder)


@pytest.mark.parametrize("name", ["x.bin", "x.pt", "", "."])
def test_shard_that_is_no_safetensors(folder: Path, name: str) -> None:
    """An index cannot smuggle in a pickle."""
    shard(folder, weight_map={"k": name})
    with pytest.raises(CheckpointError):
        read_checkpoint(folder)


@pytest.mark.parametrize("weight_map", [{}, [], "x", {"k": 1}, {"k": None}, {"k": "missing.safetensors"}, {"k": "\0"}])
def test_broken_weight_map(folder: Path, weight_map: Any) -> None:
    """An index of the wrong shape is refused."""
    shard(folder, weight_map=weight_map)
    with pytest.raises(CheckpointError):
        read_checkpoint(folder)


def test_single_file_and_index_together(folder: Path) -> None:
    """Two answers to the question which weights are meant are one too many."""
    (folder / INDEX).write_text("{}")
    with pytest.raises(CheckpointError, match="has both"):
        read_checkpoint(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xff\xfe\x00",
        b'{"a": NaN}',
        b'{"rmsnorm": true, "rmsnorm": false}',
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b'{"num_layers": ' + b"9" * 10_000 + b"}",
    ],
)
def test_config_that_is_no_sound_json(folder: Path, content: bytes) -> None:
    """Broken, ambiguous, deeply nested and endless JSON is refused with our own error."""
    (folder / "config.json").write_bytes(content)
    with pytest.raises(CheckpointError):
        read_checkpoint(folder)


def test_huge_config(folder: Path) -> None:
    """A config of unreasonable size is not read."""
    with (folder / "config.json").open("r+b") as file:
        file.truncate(1 << 30)
    with pytest.raises(CheckpointError, match="larger than"):
        read_checkpoint(folder)


@pytest.mark.parametrize("name", ["nowhere", "config.json", "a\0b", "x" * 5000])
def test_path_that_is_no_folder(folder: Path, name: str) -> None:
    """A path that is missing, a file or nonsense is refused with our own error."""
    with pytest.raises(CheckpointError):
        read_checkpoint(folder / name)
