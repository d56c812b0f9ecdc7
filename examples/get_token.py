"""Print a fresh access token of a demo client (RFC 6749 §4.4).

python examples/get_token.py user|admin|guest [STATE]
"""

from __future__ import annotations

import json
import sys
import urllib.parse
import urllib.request
from pathlib import Path


def fetch_token(state: Path, role: str) -> str:
    """A token of the demo client with this role; `state` is the folder that `make run` serves from."""
    demo = json.loads((state / "demo.json").read_text(encoding="utf-8"))
    form = {"grant_type": "client_credentials", **demo["clients"][role]}
    body = urllib.parse.urlencode(form).encode("ascii")
    with urllib.request.urlopen(demo["base_url"] + "/oauth/token", body, timeout=10) as answer:
        token: str = json.load(answer)["access_token"]
        return token


if __name__ == "__main__":
    if len(sys.argv) not in {2, 3} or sys.argv[1] not in {"user", "admin", "guest"}:
        sys.exit(__doc__)
    print(fetch_token(Path(sys.argv[2] if len(sys.argv) == 3 else "state"), sys.argv[1]))
