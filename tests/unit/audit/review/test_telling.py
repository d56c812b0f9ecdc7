"""A dossier in words: every member of a record is there, and opened texts say whether they are the recorded ones."""

from audit.contents.reveal import Revealed
from audit.proven import Line
from audit.review.dossier import Dossier
from audit.review.telling import as_json, as_text

BODY: dict[str, object] = {
    "event": "request.admitted",
    "subject": "李雷",
    "roles": ["user", "护士"],
    "decision": {"effect": "allow", "rule": None},
    "filters": [{"filter": "a"}, {"filter": "b"}],
    "prompt": {"text": [["user", "你好\u3000世界"]]},
    "stream": True,
    "n": 7,
}
DOSSIER = Dossier("host-a/hangu", ((4, Line("rec", BODY, "2026-11-23T08:00:01.000000Z")),), None, "no key\x07")
OPENED = Revealed(4, "req-1", "李雷", "prompt", '[["user","医保\\u001b卡"]]'.encode(), True, "matches", None)
CLOSED = Revealed(4, "req-1", "李雷", "completion", None, True, "not checked", "its key is gone")


def test_all_of_a_record() -> None:
    """One row a member, lists of objects one row each, and the reason why nothing is proved last."""
    assert as_text(DOSSIER, []).splitlines() == [
        "host-a/hangu/4  request.admitted  2026-11-23T08:00:01.000000Z",
        "  subject        李雷",
        "  roles          user, 护士",
        "  decision       effect=allow  rule=null",
        "  filters        filter=a",
        "                 filter=b",
        "  prompt         text=user, 你好\u3000世界",
        "  stream         true",
        "  n              7",
        "",
        "NOT PROVED: no key\N{REPLACEMENT CHARACTER}",
    ]


def test_opened_texts() -> None:
    """With what was said, whether it is what was recorded, and why one cannot be opened; nothing a terminal obeys."""
    text = as_text(DOSSIER, [OPENED, CLOSED])
    assert "sealed prompt of record 4, opened (digest: matches)\n  user: 医保\N{REPLACEMENT CHARACTER}卡" in text
    assert "sealed completion of record 4: cannot be opened: its key is gone" in text


def test_json() -> None:
    """The record as it is, unproved, and the texts."""
    found = as_json(DOSSIER, [OPENED, CLOSED])
    assert found["records"] == [{"index": 4, "time": "2026-11-23T08:00:01.000000Z", "kind": "rec", "record": BODY}]
    assert (found["proved"], found["problem"]) == (False, "no key\x07")
    assert found["opened"] == [
        {"index": 4, "direction": "prompt", "messages": [("user", "医保\x1b卡")], "problem": None},
        {"index": 4, "direction": "completion", "messages": [], "problem": "its key is gone"},
    ]
    assert "opened" not in as_json(DOSSIER, [])
