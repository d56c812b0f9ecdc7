"""A witness as a target: it gets the newest checkpoint with a proof, and gives back its cosignature.

https://c2sp.org/tlog-witness. A witness that knows more of the log than we thought says so (409) and is given a proof
from there. Where it will not accept one, the checkpoint that it shows to everybody says whether the log was rewritten
or the witness errs.
"""

import time
from urllib.parse import urlsplit

import urllib3
from urllib3.util import Timeout

from audit.anchors.history import View
from audit.anchors.submission import MAX_BODY, PATH, SIZE_TYPE, Submission, latest_path, parse_size
from audit.anchors.target import one_line
from audit.cosignature import SignedNote, WitnessKey, cosignature_times, parse_signed_note, signature_lines
from audit.errors import AnchorFailed, AuditError, NotCanonical, Tampered

_ATTEMPTS = 3  # another process may submit checkpoints of the same log meanwhile
_CHUNK = 4096


class WitnessTarget:
    """One witness at its submission prefix, under the key that it is known by."""

    def __init__(self, url: str, key: WitnessKey, timeout: float) -> None:
        """Raise `AnchorFailed` for a URL that is not of HTTP or that holds credentials."""
        if not _is_prefix(url):
            raise AnchorFailed(f"`{one_line(url)}` is not the http or https prefix of a witness")
        self.name = f"{url} {key.name}"
        self._url = url.rstrip("/")
        self._key = key
        self._timeout = timeout
        self._pool = urllib3.PoolManager(1, retries=False)

    def anchor(self, view: View, note: str, known: int) -> str:
        """As `Target.anchor`; the cosignature lines are this witness's and were verified."""
        try:
            return self._submit(view, view.seen.note, known)
        except (AnchorFailed, Tampered):
            raise
        except (AuditError, OSError, urllib3.exceptions.HTTPError) as error:
            raise AnchorFailed(f"{type(error).__name__}: {one_line(str(error))}") from error

    def _submit(self, view: View, note: str, old: int) -> str:
        for _ in range(_ATTEMPTS):
            status, kind, body = self._ask("POST", PATH, Submission(old, tuple(view.prove(old)), note).body())
            if status == 200:
                return self._cosignature(note, body)
            size = parse_size(body) if status == 409 and kind == SIZE_TYPE else None
            if size is None or size == old or size > view.seen.size:
                self._compare(view)
                raise AnchorFailed(f"answered {status}: {one_line(body.decode('utf-8', 'replace').strip())}")
            old = size
        raise AnchorFailed("knows another size of the log each time it is asked: who else submits it?")

    def _cosignature(self, note: str, body: bytes) -> str:
        signed = parse_signed_note(note)
        rows = body.decode("utf-8", "replace")
        mine = [
            (row, (name, blob))
            for row, (name, blob) in zip(rows.splitlines(keepends=True), signature_lines(rows), strict=True)
            if name == self._key.name and blob[:4] == self._key.id
        ]
        if not cosignature_times(SignedNote(signed.text, tuple(signature for _, signature in mine)), [self._key]):
            raise NotCanonical(f"answered without a cosignature of `{self._key.name}`")
        return "".join(row for row, _ in mine)

    def _compare(self, view: View) -> None:
        """Hold the log against what the witness cosigned last, where it shows it. Raises `Tampered`, `AnchorFailed`."""
        status, _, body = self._ask("GET", latest_path(view.seen.checkpoint.origin))
        if status == 200:
            view.compare(body.decode("utf-8", "replace"))

    def _ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, str, bytes]:
        deadline = time.monotonic() + self._timeout
        timeout = Timeout(connect=self._timeout, read=self._timeout)
        headers = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "hangu-anchor"}
        response = self._pool.request(
            method, self._url + path, body=body, headers=headers, timeout=timeout, redirect=False, preload_content=False
        )
        data = b""
        try:
            while chunk := response.read1(_CHUNK):
                data += chunk
                if len(data) > MAX_BODY or time.monotonic() > deadline:
                    response.close()
                    raise AnchorFailed("its answer is too long, or takes too long")
        finally:
            response.release_conn()
        return response.status, response.headers.get("Content-Type", "").strip(), data


def _is_prefix(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    plain = not (parts.username or parts.query or parts.fragment)
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname)
