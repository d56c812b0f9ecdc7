"""A checkpoint folder on disk: which files belong to it, what they hold, and their digests.

The folder may come from anywhere. So every file is a regular file inside the folder, after symbolic links; weights are
safetensors, never pickles; names, keys and sizes are compared before a single weight is read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_runtime.chatglm3.errors import CheckpointError
from model_runtime.chatglm3.geometry import Geometry, parse_geometry

CONFIG = "config.json"
INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"

_LARGEST_JSON = 16 << 20
_LARGEST_FOLDER = 1024  # shards


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder whose config.json is understood and whose weight files are known, but not yet read.

    `shards` are resolved paths inside `folder`; `index` says which shard holds a key, None for a single file.
    """

    folder: Path
    geometry: Geometry
    shards: tuple[Path, ...]
    index: Mapping[str, str] | None

    def files(self) -> tuple[Path, ...]:
        """Every file that the model is made of, the tokenizer aside."""
        index = () if self.index is None else (self.folder / INDEX,)
        return (self.folder / CONFIG, *index, *self.shards)

    def digests(self) -> dict[str, str]:
        """SHA-256 in hex of each of `files`, by name; shards are hashed side by side. Raises CheckpointError."""
        files = self.files()
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            return dict(zip((file.name for file in files), pool.map(_digest, files), strict=True))

    def fingerprint(self) -> tuple[tuple[int, ...], ...]:
        """What changes when one of `files` is replaced or written to. Raises CheckpointError."""
        return tuple(_identity(file) for file in self.files())


def read_checkpoint(path: Path | str) -> Checkpoint:
    """Read config.json and the shard index under `path`. Raises CheckpointError."""
    folder = _folder(path)
    config = confined_file(folder, CONFIG)
    geometry = parse_geometry(_read_object(config), config)
    if not (folder / INDEX).exists():
        return Checkpoint(folder, geometry, (_single_file(folder),), None)
    if (folder / SINGLE).exists():
        raise CheckpointError(folder, f"has both `{SINGLE}` and `{INDEX}`: remove the one that is not meant")
    index = _read_index(folder)
    names = sorted(set(index.values()))
    if len(names) > _LARGEST_FOLDER:
        raise CheckpointError(folder / INDEX, f"names {len(names)} shards; at most {_LARGEST_FOLDER} are read")
    return Checkpoint(folder, geometry, tuple(_shard(folder, name) for name in names), index)


def confined_file(folder: Path, name: str) -> Path:
    """The resolved path of the regular file `name` in `folder`. Raises CheckpointError when it leads elsewhere."""
    try:
        path = (folder / name).resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise CheckpointError(folder / name, "is missing or cannot be read") from error
    if not path.is_relative_to(folder):
        raise CheckpointError(folder / name, f"leads out of the folder, to `{path}`")
    if not path.is_file():
        raise CheckpointError(folder / name, "is not a regular file")
    return path


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(path, f"cannot be read: {error}") from error


def _identity(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError as error:
        raise CheckpointError(path, f"cannot be read: {error}") from error
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _folder(path: Path | str) -> Path:
    try:
        folder = Path(path).resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise CheckpointError(path, "no such folder") from error
    if not folder.is_dir():
        raise CheckpointError(path, "is not a folder")
    return folder


def _single_file(folder: Path) -> Path:
    if (folder / SINGLE).exists() or not any(folder.glob("*.bin")):
        return confined_file(folder, SINGLE)
    raise CheckpointError(folder, "holds only `.bin` weights: unpickling them can run code, convert to safetensors")


def _read_index(folder: Path) -> Mapping[str, str]:
    path = confined_file(folder, INDEX)
    content = _read_object(path)
    weight_map = content.get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise CheckpointError(path, "`weight_map` must be an object that names at least one key")
    wrong = [f"shard of `{key[:80]}` must be a file name" for key, name in weight_map.items() if type(name) is not str]
    if wrong:
        raise CheckpointError(path, *wrong)
    return weight_map


def _shard(folder: Path, name: str) -> Path:
    # A path traversal through the index: `../x`, `/etc/x`, `a/../../x`. Only bare names are file names of a folder.
    if Path(name).name != name or not name.endswith(".safetensors"):
        raise CheckpointError(folder / INDEX, f"`{name[:80]}` is not the bare name of a `.safetensors` file")
    return confined_file(folder, name)


def _read_object(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise CheckpointError(path, f"is larger than {_LARGEST_JSON} bytes")
        content = json.loads(path.read_bytes(), object_pairs_hook=_members, parse_constant=_no_constant)
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(path, f"is not readable JSON: {error}") from error
    if not isinstance(content, dict):
        raise CheckpointError(path, "must hold a JSON object")
    return content


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member appears twice")  # two readers of such a file may see two different models
    return members


def _no_constant(text: str) -> object:
    raise ValueError(f"`{text}` is not JSON")
