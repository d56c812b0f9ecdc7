"""What a record means is the same for every format."""

from typing import Any

import pytest
from harness.records import (
    ADMITTED,
    BLOCKED,
    DENIED,
    ERASED,
    FINISHED,
    FLOOD,
    FOREIGN,
    READ,
    STARTED,
    TOKEN,
    UNKNOWN_CALLER,
    record,
)

from audit.export import meaning
from audit.export.meaning import Severity


@pytest.mark.parametrize(
    ("fields", "severity", "succeeded"),
    [
        (STARTED, Severity.INFORMATIONAL, None),
        ({**ADMITTED, "filters": []}, Severity.INFORMATIONAL, True),
        (ADMITTED, Severity.LOW, True),
        (FINISHED, Severity.INFORMATIONAL, True),
        (BLOCKED, Severity.MEDIUM, False),
        ({**FINISHED, "outcome": "aborted"}, Severity.INFORMATIONAL, None),
        ({**FINISHED, "outcome": "failed"}, Severity.LOW, False),
        (DENIED, Severity.MEDIUM, False),
        (UNKNOWN_CALLER, Severity.LOW, False),
        (FLOOD, Severity.LOW, False),
        ({**DENIED, "status": 422, "filters": [{"action": "block"}]}, Severity.MEDIUM, False),
        (TOKEN, Severity.INFORMATIONAL, True),
        ({"event": "policy.refused"}, Severity.HIGH, False),
        (ERASED, Severity.MEDIUM, None),
        (READ, Severity.INFORMATIONAL, True),
        (FOREIGN, Severity.INFORMATIONAL, None),
    ],
)
def test_severity_and_success(fields: dict[str, Any], severity: Severity, succeeded: bool | None) -> None:
    """A block or a refusal by policy stands out; what was refused or withheld did not succeed."""
    assert meaning.severity(record(fields)) is severity
    assert meaning.succeeded(record(fields)) is succeeded


def test_title() -> None:
    """One line says what happened, and to whom a person is named only as the one who did it."""
    assert meaning.title(record(DENIED)) == "request.refused by 李雷 on chatglm3-6b code forbidden"
    assert meaning.title(record(ERASED)) == "content.erased by root"
    assert meaning.title(record(FOREIGN)) == "record"
