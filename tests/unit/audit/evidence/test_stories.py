"""Which records make a request, and when they are all of it."""

import pytest

from audit.evidence.stories import Record, is_of_request, records_of, stories_of
from audit.proven import Line


def record(index: int, event: object, **fields: object) -> Record:
    """A record of the request `r`."""
    return Record(index, "t", {"event": event, "request_id": "r", **fields})


ADMITTED, FINISHED = record(2, "request.admitted"), record(4, "request.finished", admitted=2)


@pytest.mark.parametrize(
    ("records", "complete"),
    [
        ((ADMITTED, FINISHED), True),
        ((record(2, "request.refused"),), True),
        ((record(2, "token.issued"),), True),
        ((ADMITTED,), False),
        ((FINISHED,), False),
        ((ADMITTED, record(4, "request.finished", admitted=3)), False),
        ((ADMITTED, record(4, "request.finished")), False),
        ((FINISHED, ADMITTED), False),
        ((ADMITTED, FINISHED, FINISHED), False),
        ((ADMITTED, record(4, "request.refused")), False),
        ((record(2, "request.refused"), record(4, "request.refused")), False),
    ],
)
def test_complete(records: tuple[Record, ...], complete: bool) -> None:
    """A request is one record that stands alone, or a beginning and the end that names it; all else is not whole."""
    (story,) = stories_of(records)
    assert story.complete is complete
    assert story.records == records


def test_first_and_last() -> None:
    """What is missing is None; a record that stands alone is both."""
    assert stories_of([ADMITTED])[0].last is None
    assert stories_of([FINISHED])[0].first is None
    alone = record(2, "request.refused")
    assert stories_of([alone])[0].first is stories_of([alone])[0].last is alone


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"event": "audit.read", "request_id": "r"},
        {"event": "request.refused"},
        {"event": "request.refused", "request_id": 1},
    ],
)
def test_records_of_no_request(body: dict[str, object]) -> None:
    """A record without a request id, or of another kind of event, is of no request."""
    assert not is_of_request(body)
    assert stories_of([Record(2, "t", body)]) == []


def test_only_records() -> None:
    """Lines of the log itself are no records, whatever their bodies hold."""
    body: dict[str, object] = {"event": "request.refused", "request_id": "r"}
    assert records_of([(2, Line("hdr", body, "t"))]) == []
    assert len(records_of([(2, Line("rec", body, "t"))])) == 1


def test_order_of_requests() -> None:
    """Requests come by id, each once."""
    rows = [Record(n, "t", {"event": "request.refused", "request_id": name}) for n, name in enumerate("bab")]
    assert [story.request_id for story in stories_of(rows)] == ["a", "b"]
