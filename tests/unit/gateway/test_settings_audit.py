"""The `audit` section of hangu.yaml, and the part of it that a reader without secrets may have."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.contents import auditor
from gateway.settings import load_log_settings, load_settings
from gateway.settings_audit import AuditSettings, ContentSettings
from gateway.settings_beside import Witness
from policies.source import SourceError

SECRET = "s" * 40
VKEY = "witness.example.org/1+bbd22053+BL+HgMY6DDccPmC4a/ttre06pJEBhNsOcTUfM3IA/c4M"
VALID = """\
bind: 127.0.0.1:8000
bundle: bundle
models:
  - {id: chatglm3-6b, engine: openai, base_url: "http://127.0.0.1:9000/v1"}
audit:
  directory: audit
  key: keys/audit.pem
  public_key: keys/audit.pub.pem
  hmac_key: env:HMAC
  socket: run/audit.sock
  origin: hangu.test/a
"""
WITNESS = f"{{url: 'https://w', key: {VKEY}}}"
FULL = f"""\
  heartbeat_seconds: 0
  retention_days: 183
  anchors:
    every_seconds: 5
    targets: [worm/审计.notes, "s3://bucket/prefix"]
    witnesses: [{{url: "https://witness.example.com/w", key: {VKEY}}}]
  shipping:
    - {{to: "syslog+tls://siem.example.com:6514", ca_file: keys/ca.pem}}
    - {{to: "otlp+http://127.0.0.1:4318"}}
"""


def _load(folder: Path, more: str = "") -> AuditSettings:
    file = folder / "hangu.yaml"
    file.write_text(VALID + more, encoding="utf-8")
    return load_settings(file, {"HMAC": SECRET}).audit


def test_defaults(tmp_path: Path) -> None:
    """A log with nothing beside it: a heartbeat each minute, a year kept."""
    audit = _load(tmp_path)
    assert (audit.heartbeat, audit.retention_days, audit.anchoring, audit.shipping) == (60, 365, None, ())


def test_everything_beside_the_writer(tmp_path: Path) -> None:
    """Paths are the file's, URLs stay as they are."""
    audit = _load(tmp_path, FULL)
    assert (audit.heartbeat, audit.retention_days) == (0, 183)
    assert audit.anchoring is not None
    assert audit.anchoring.targets == (str(tmp_path / "worm" / "审计.notes"), "s3://bucket/prefix")
    assert audit.anchoring.witnesses == (Witness("https://witness.example.com/w", VKEY),)
    assert [(each.to, each.ca_file) for each in audit.shipping] == [
        ("syslog+tls://siem.example.com:6514", tmp_path / "keys" / "ca.pem"),
        ("otlp+http://127.0.0.1:4318", None),
    ]


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("  retention_days: 182\n", "hangu.yaml:12:19: `retention_days` must be at least 183, got 182"),
        ("  heartbeat_seconds: -1\n", "`heartbeat_seconds` must be at least 0"),
        ("  anchors: {}\n", "at least one of `targets` and `witnesses` is needed"),
        ("  anchors: {targets: [audit/notes]}\n", "a target must lie outside the audit directory"),
        ("  anchors: {targets: ['s3://key:secret@bucket/p']}\n", "a target holds no credentials"),
        ("  anchors: {targets: ['sftp://me@host/p']}\n", "a target holds no credentials"),
        ("  anchors: {targets: [a], every_seconds: 0}\n", "`every_seconds` must be at least 1"),
        ("  anchors: {witnesses: [{url: 'ftp://w', key: x}]}\n", "`url` must be an http or https URL"),
        ("  anchors: {witnesses: [{url: 'https://w?a=b', key: x}]}\n", "without credentials, query or fragment"),
        (
            "  anchors: {witnesses: [{url: 'https://w', key: x}]}\n",
            "12:49: not an Ed25519 verifier key line of a witness",
        ),
        (f"  anchors: {{witnesses: [{{url: 'https://w', key: {VKEY.replace('bbd2', 'bbd3')}}}]}}\n", "does not fit"),
        (f"  anchors: {{witnesses: [{WITNESS}, {WITNESS}]}}\n", "an item of `witnesses` stands twice"),
        ("  anchors: {targets: [a, ./a]}\n", "hangu.yaml:12:26: an item of `targets` stands twice"),
        ("  anchors: {targets: [./]}\n", "and not around it"),
        ("  anchors: {targets: ['S3://bucket']}\n", "the scheme of a target is written in small letters"),
        ("  anchors: {targets: ['file:///x/audit/notes']}\n", "is written as its path, without a scheme"),
        (
            "  anchors: {targets: [a], retain_days: 9}\n",
            "hangu.yaml:12:40: `retain_days` holds objects in S3, and no target is an `s3://` URL",
        ),
        ("  anchors: {witnesses: [{url: 'https://w'}]}\n", "missing key `key`"),
        ("  shipping: [{to: 'http://siem'}]\n", "`to` must be a URL that starts with one of `syslog+udp://`"),
        ("  shipping: [{to: 'syslog+tcp://me:secret@siem'}]\n", "without credentials"),
        ("  shipping: [{to: 'syslog+tcp://:secret@siem'}]\n", "without credentials"),
        ("  shipping: [{to: 'syslog+tcp://siem:99999'}]\n", "12:19: `to` must be a URL"),
        ("  shipping: [{to: 'syslog+tcp://siem/path'}]\n", "a syslog target has no path"),
        ("  shipping: [{to: 'otlp+http://siem?x=1'}]\n", "no user, query or fragment"),
        ("  shipping: [{to: 'syslog+tcp://s'}, {to: 'syslog+tcp://s', format: cef}]\n", "`shipping` stands twice"),
        ("  shipping: [{ca_file: x}]\n", "missing key `to`"),
        ("  contents: {directory: contents}\n", "missing key `auditor_key`"),
        (
            "  contents: {directory: audit/c, auditor_key: a.pub}\n",
            "12:25: `directory` must lie outside the audit direct",
        ),
        ("  contents: {directory: ., auditor_key: a.pub}\n", "and not around it"),
        ("  contents: {directory: c, auditor_key: absent}\n", "hangu.yaml:12:41: "),
        ("  shippping: []\n", "unknown key `shippping` (did you mean `shipping`?)"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, more: str, problem: str) -> None:
    """Each mistake is found where it stands; no password is repeated."""
    with pytest.raises(SourceError) as caught:
        _load(tmp_path, more)
    assert problem in str(caught.value)
    assert "secret@" not in str(caught.value)


def test_an_origin_that_is_no_folder(tmp_path: Path) -> None:
    """Stores keep notes under the origin's name; without any, the name may be as it is."""
    file = tmp_path / "hangu.yaml"
    text = VALID.replace("hangu.test/a", "hangu/../a")
    file.write_text(text + "  anchors: {targets: [notes]}\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"hangu\.yaml:11:11: `hangu/\.\./a` cannot name a folder"):
        load_settings(file, {"HMAC": SECRET})
    file.write_text(text, encoding="utf-8")
    assert load_settings(file, {"HMAC": SECRET}).audit.origin == "hangu/../a"


def test_links_in_a_circle_and_a_secret_of_any_bytes(tmp_path: Path) -> None:
    """Neither is a stack trace: a path that leads nowhere is said by whoever opens it, and a key is bytes."""
    (tmp_path / "loop").symlink_to("loop")
    file = tmp_path / "hangu.yaml"
    file.write_text(VALID.replace("directory: audit", "directory: loop/audit"), encoding="utf-8")
    audit = load_settings(file, {"HMAC": "\udcff" * 40}).audit
    assert audit.directory == tmp_path / "loop" / "audit"
    assert audit.hmac_key == b"\xff" * 40


def test_a_reviewer_needs_none_of_the_secrets(tmp_path: Path) -> None:
    """The log's places can be read where the HMAC key cannot; the gateway itself refuses to start there."""
    file = tmp_path / "hangu.yaml"
    file.write_text(VALID.replace("env:HMAC", "file:keys/hmac.key"), encoding="utf-8")
    log = load_log_settings(file, {})
    assert (log.directory, log.hmac_file) == (tmp_path / "audit", tmp_path / "keys" / "hmac.key")
    with pytest.raises(SourceError, match=r"hmac\.key` cannot be read"):
        load_settings(file, {})


def test_a_file_without_the_section_says_so(tmp_path: Path) -> None:
    """A mistaken `--config` is named, with the mistakes of what stands there."""
    file = tmp_path / "other.yaml"
    file.write_text("rules: []\n")
    with pytest.raises(SourceError, match="missing key `audit`"):
        load_log_settings(file, {})


def test_contents_are_sealed_to_the_auditors_public_key(tmp_path: Path) -> None:
    """The public half is accepted; a gateway that was given the private half does not start."""
    auditor.generate(tmp_path / "a.pem", tmp_path / "a.pub.pem")
    assert _load(tmp_path).contents is None
    contents = _load(tmp_path, "  contents: {directory: sealed, auditor_key: a.pub.pem}\n").contents
    assert contents == ContentSettings(tmp_path / "sealed", tmp_path / "a.pub.pem")
    with pytest.raises(SourceError, match="belongs to the auditor alone"):
        _load(tmp_path, "  contents: {directory: sealed, auditor_key: a.pem}\n")


def test_digest_keys_can_be_rotated(tmp_path: Path) -> None:
    """The first of a list is used; the files of the others are known to whoever searches old records."""
    for name in ("new.key", "old.key"):
        (tmp_path / name).touch(0o600)
        (tmp_path / name).write_text(name[:3] * 20)
    file = tmp_path / "hangu.yaml"
    file.write_text(VALID.replace("env:HMAC", "[file:new.key, file:old.key, env:OLDEST]"), encoding="utf-8")
    audit = load_settings(file, {"OLDEST": SECRET}).audit
    assert audit.hmac_key == b"new" * 20
    assert (audit.hmac_file, audit.older_hmac_files) == (tmp_path / "new.key", (tmp_path / "old.key",))


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("[]", "must not be an empty list"),
        ("[env:HMAC, env:SHORT]", "hangu.yaml:9:24: the secret behind `hmac_key` has 5 bytes"),
        ("[env:HMAC, {}]", "must be a string"),
        ("[env:HMAC, open-text]", "a secret is never written here"),
    ],
)
def test_a_bad_list_of_digest_keys(tmp_path: Path, keys: str, problem: str) -> None:
    """Old keys are checked like the one in use: a typing mistake would be found only when somebody searches."""
    file = tmp_path / "hangu.yaml"
    file.write_text(VALID.replace("env:HMAC", keys), encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        load_settings(file, {"HMAC": SECRET, "SHORT": "short"})
    assert problem in str(caught.value)
