"""A bundle whose files were cut, mixed up or forged either loads or says why; nothing else ever comes out."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies import bundle, bundle_files
from policies.decision import AccessRequest
from policies.problem import Problems
from policies.source import Location, SourceError

_DEFAULT = Path(bundle.__file__).parent / "bundles" / "default"
_FILES = bundle_files.read_files(_DEFAULT, Problems())
_PIECES = (
    *("", " ", "\n", "\r\n", "\t", "\0", "\ufeff", "\u200b", ",", "，", ":", "*", "..", "#", "&a", "*a", "'", '"'),
    *("p", "g", "deny", "r.sub", " && ", "==", "- ", "[", "{", "]", "}", "null", "true", "1e999", "-1", "名"),
    "!!python/name:os.system",
)


@st.composite
def _damage(draw: st.DrawFn) -> dict[str, bytes]:
    """The default bundle with one file damaged in up to three places."""
    name = draw(st.sampled_from(sorted(set(_FILES) - {"filters.yaml"})))
    text = _FILES[name].decode()
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 1, 3, 20])))
        text = text[:start] + draw(st.sampled_from(_PIECES)) + text[end:]
    return {**_FILES, name: text.encode()}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files=_damage())
def test_damaged_bundle(files: dict[str, bytes]) -> None:
    """Every damage gives a bundle or located problems, and a bundle still decides."""
    try:
        loaded = bundle._build(files, Problems())
    except SourceError as error:
        places = [problem.location for problem in error.problems]
    else:
        loaded.access.decide(AccessRequest(("user:王芳", "role:guest"), "model/x", "chat"))
        places = [Location("fine", 1, 1)]
    assert places
    assert all(place.line >= 1 and place.column >= 1 for place in places)


@settings(max_examples=300, deadline=None)
@given(
    subjects=st.one_of(st.none(), st.text(), st.lists(st.text()).map(tuple), st.tuples(st.integers())),
    path=st.one_of(st.none(), st.text(), st.binary(), st.integers()),
    action=st.one_of(st.none(), st.text(), st.sampled_from(["chat", "read"])),
)
def test_any_request(subjects: object, path: object, action: object) -> None:
    """Whatever is asked by whomever without a role, the answer is a refusal, never an exception."""
    request = AccessRequest(subjects, path, action)  # type: ignore[arg-type]  # hostile types are the point
    assert not _ACCESS.decide(request)


_ACCESS = bundle.load(_DEFAULT).access
