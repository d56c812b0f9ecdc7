"""Makes the test vectors anew: `PYTHONPATH=.:tests python -m conformance.audit.make_vectors`, in the repository's root.

Each is a folder under `tests/data/audit/vectors`: `log/`, `key.vkey`, where needed `anchor`, and `expected.json`.
"""

import json
import shutil
from pathlib import Path

from conformance.audit import vectors_changed, vectors_clean, vectors_forged, vectors_retention
from conformance.audit.vector_maker import Vector

_TAMPERED = vectors_changed.VECTORS | vectors_forged.VECTORS | vectors_retention.VECTORS
VECTORS = vectors_clean.VECTORS | _TAMPERED
FOLDER = Path(__file__).parents[2] / "data" / "audit" / "vectors"


def files_of(vector: Vector) -> dict[str, bytes]:
    """Every file of a vector's folder, by its path there."""
    expected = {"exit": vector.exit, "file": vector.file, "line": vector.line}
    files = {f"log/{name}": data for name, data in vector.files.items()}
    files["key.vkey"] = f"{vector.key.key.vkey}\n".encode()
    files["expected.json"] = f"{json.dumps(expected)}\n".encode()
    if vector.anchor is not None:
        files["anchor"] = vector.anchor.encode()
    return files


def main() -> None:
    """Write all vectors, and nothing else, into the folder."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name, make in VECTORS.items():
        for path, data in files_of(make()).items():
            file = FOLDER / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
    (FOLDER / ".gitattributes").write_text("* -text\n")


if __name__ == "__main__":
    main()
