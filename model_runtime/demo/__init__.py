"""The demo model that ships with Hangu: its corpus, its training, its figures and, in `WEIGHTS`, its checkpoint.

Serving needs nothing of this but the folder, which loads like any other ChatGLM3 checkpoint.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

WEIGHTS: Final = Path(__file__).parent / "weights"
