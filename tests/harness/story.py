"""A log that tells the story of a few requests under a policy, as a gateway would write it."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from audit.journal import Journal

POLICY = {"audit.yaml": "rules: []\n", "policy.csv": "# 规则\np, role:user, model:chatglm3-6b, use, allow\n"}
START_NS = 1_795_420_800_000_000_000  # 2026-11-23T08:00:00Z


def digest(files: dict[str, str]) -> str:
    """The digest of a policy bundle (docs/policies.md)."""
    rows = [
        f"{path}\t{len(text.encode())}\t{hashlib.sha256(text.encode()).hexdigest()}\n"
        for path, text in sorted(files.items())
    ]
    return hashlib.sha256(("hangu-bundle-v1\n" + "".join(rows)).encode()).hexdigest()


BUNDLE = digest(POLICY)


@dataclass(slots=True)
class Storyteller:
    """Appends records to an open journal, each as a commit of its own, one millisecond apart."""

    journal: Journal
    now_ns: int = START_NS

    def tell(self, event: str, **fields: object) -> int:
        """Append one record and return its index."""
        self.now_ns += 1_000_000
        body = json.dumps({"event": event, **fields}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return self.journal.append([body.encode()], self.now_ns)

    def start_gateway(self, files: dict[str, str] | None = None) -> None:
        """What a worker writes before its first request."""
        files = POLICY if files is None else files
        for path, text in sorted(files.items()):
            for part, piece in enumerate((text[:9], text[9:]), 1):
                self.tell("policy.file", bundle=digest(files), path=path, part=part, parts=2, text=piece)
        listed = [
            {"path": path, "sha256": hashlib.sha256(text.encode()).hexdigest(), "bytes": len(text.encode())}
            for path, text in sorted(files.items())
        ]
        self.tell("policy.activated", bundle=digest(files), name="default", version="1", files=listed)
        self.tell("gateway.started", bundle=digest(files), version="0.1", schema=1, pid=7, models={})

    def admit(self, request_id: str, bundle: str = BUNDLE, subject: str = "user:张伟") -> int:
        """The first record of a request that reaches the model."""
        decision = {"effect": "allow", "reason": "matched-rule", "rule": "policy.csv:2:1"}
        return self.tell(
            "request.admitted",
            request_id=request_id,
            bundle=bundle,
            subject=subject,
            roles=["user"],
            address="192.0.2.7",
            method="POST",
            route="/v1/chat/completions",
            model="chatglm3-6b",
            decision=decision,
            prompt={"messages": 1, "chars": 4, "hmac": "00" * 32},
        )

    def finish(self, request_id: str, admitted: int) -> int:
        """The last one."""
        usage = {"prompt": 5, "completion": 9}
        return self.tell("request.finished", request_id=request_id, admitted=admitted, outcome="completed", usage=usage)

    def request(self, request_id: str) -> tuple[int, int]:
        """A whole request; the indices of its records."""
        admitted = self.admit(request_id)
        return admitted, self.finish(request_id, admitted)

    def refuse(self, request_id: str) -> int:
        """A request that policy refuses."""
        return self.tell(
            "request.refused", request_id=request_id, bundle=BUNDLE, status=403, code="forbidden", address="192.0.2.8"
        )

    def close(self) -> None:
        """Seal the log."""
        self.journal.close(self.now_ns + 1_000_000)


def indices(log: Path, kind: str) -> Iterator[int]:
    """The index of every line of this kind in a log that is not compressed."""
    for file in sorted(log.glob("*.log")):
        for line in file.read_bytes().splitlines():
            value = json.loads(line)
            if value["k"] == kind:
                yield value["i"]
