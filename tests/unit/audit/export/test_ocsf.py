"""OCSF 1.3.0: what the schema requires of each class is there, and its enumerations are kept.

The tables are those of https://schema.ocsf.io/1.3.0/classes/{api_activity,authentication,detection_finding,
application_lifecycle} and /objects/…: required attributes, "at least one" constraints, enumerations.
"""

import json
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
    ORIGIN,
    READ,
    SAMPLES,
    SECONDS,
    STARTED,
    TOKEN,
    UNKNOWN_CALLER,
    record,
)

from audit.export import ocsf

_EVERY_CLASS = ("activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid")
_REQUIRED: dict[int, tuple[str, ...]] = {
    6003: ("actor", "api", "src_endpoint"),
    6002: ("app",),
    3002: ("user",),
    2004: ("finding_info",),
}
_CATEGORY = {6003: 6, 6002: 6, 3002: 3, 2004: 2}
_ACTIVITIES = {
    6003: {1, 2, 3, 4, 99},
    6002: {1, 2, 3, 4, 5, 6, 7, 8, 99},
    3002: {1, 2, 3, 4, 5, 6, 99},
    2004: {1, 2, 3, 99},
}
_STATUSES = {6003: {0, 1, 2, 99}, 6002: {0, 1, 2, 99}, 3002: {0, 1, 2, 99}, 2004: {0, 1, 2, 3, 4, 99}}
_IN_OBJECT = {
    "metadata": ("product", "version"),
    "api": ("operation",),
    "app": ("name", "vendor_name"),
    "finding_info": ("title", "uid"),
}
_AT_LEAST_ONE = {
    "actor": {"process", "user", "invoked_by", "session", "app_name", "app_uid"},
    "user": {"account", "name", "uid"},
    "src_endpoint": {"ip", "uid", "name", "hostname", "svc_name", "instance_uid", "interface_uid", "interface_name"},
    "evidences": {
        "actor",
        "api",
        "connection_info",
        "data",
        "dst_endpoint",
        "src_endpoint",
        "process",
        "query",
        "file",
    },
}
_SEVERITIES = {1: "Informational", 2: "Low", 3: "Medium", 4: "High"}


def check(event: dict[str, Any]) -> None:
    """Hold an event against the tables above."""
    kind = event["class_uid"]
    assert not [name for name in (*_EVERY_CLASS, *_REQUIRED[kind]) if event.get(name) in (None, "", {}, [])]
    assert event["category_uid"] == _CATEGORY[kind]
    assert event["activity_id"] in _ACTIVITIES[kind]
    assert event["type_uid"] == kind * 100 + event["activity_id"]
    assert event["status_id"] in _STATUSES[kind]
    assert event["severity"] == _SEVERITIES[event["severity_id"]]
    assert event["metadata"]["version"] == "1.3.0"
    assert {"name", "vendor_name"} <= event["metadata"]["product"].keys()
    if kind == 3002:
        assert event["service"]["name"] or event["dst_endpoint"]
        assert (event["auth_protocol_id"], event["logon_type_id"]) == (6, 3)
    _check_objects(event)


def _check_objects(value: Any) -> None:
    for name, inner in value.items():
        for each in inner if isinstance(inner, list) else [inner]:
            if isinstance(each, dict) and name not in ("unmapped", "decision"):
                assert set(_IN_OBJECT.get(name, ())) <= each.keys(), name
                assert name not in _AT_LEAST_ONE or _AT_LEAST_ONE[name] & each.keys(), name
                if name == "request":
                    assert each["uid"]
                if name == "analytic":
                    assert each["type_id"] == 1
                _check_objects(each)


def events(fields: dict[str, Any], *, verified: bool = True) -> list[dict[str, Any]]:
    """The events of a record, as a reader of the file gets them."""
    return [json.loads(line) for line in ocsf.render(record(fields), verified=verified)]


@pytest.mark.parametrize("fields", SAMPLES, ids=lambda fields: str(fields.get("event")))
def test_required_attributes(fields: dict[str, Any]) -> None:
    """Whatever is recorded becomes events that have all that their class requires."""
    for event in events(fields):
        check(event)
        assert event["raw_data"] == record(fields).body.decode()
        assert event["time"] == SECONDS * 1000 + 1
        assert event["unmapped"]["origin"] == ORIGIN
        assert event["unmapped"]["index"] == 5


@pytest.mark.parametrize(
    ("fields", "classes"),
    [
        (STARTED, [6002]),
        (ADMITTED, [6003, 2004]),
        (FINISHED, [6003]),
        (BLOCKED, [6003]),
        (DENIED, [6003, 2004]),
        (UNKNOWN_CALLER, [3002]),
        (FLOOD, [6003]),
        (TOKEN, [3002]),
        (READ, [6003]),
        (ERASED, [6003]),
        (FOREIGN, [6003]),
    ],
    ids=lambda value: str(value.get("event")) if isinstance(value, dict) else "",
)
def test_classes(fields: dict[str, Any], classes: list[int]) -> None:
    """Sign-ins are authentication, what filters or policy found is a finding besides, the rest is API activity."""
    assert [event["class_uid"] for event in events(fields)] == classes


def test_finding_names_its_event() -> None:
    """A finding says which filter matched, and which event it is of; the two have different identifiers."""
    event, finding = events(ADMITTED)
    info = finding["finding_info"]
    assert event["metadata"]["uid"] == f"{ORIGIN}/5"
    assert finding["metadata"]["uid"] == info["uid"] == f"{ORIGIN}/5/finding"
    assert info["related_events"] == [{"uid": f"{ORIGIN}/5", "type_uid": event["type_uid"]}]
    assert info["analytic"]["name"] == "pii/cn_id"


def test_refusal_by_policy() -> None:
    """A denied request failed, with its code, and its finding says that no rule allowed it."""
    event, finding = events(DENIED)
    assert (event["status_id"], event["status_code"], event["severity_id"]) == (2, "forbidden", 3)
    assert event["api"]["response"]["code"] == 403
    assert "no rule allows it" in finding["finding_info"]["title"]


def test_who_is_named() -> None:
    """The caller stands in `actor`, and the operator who erased a person is not taken for that person."""
    actor = events(ADMITTED)[0]["actor"]
    assert actor["user"]["uid"] == "李雷"
    assert actor["user"]["groups"] == [{"name": "user"}, {"name": "护士"}]
    assert (actor["session"]["uid"], actor["app_uid"]) == ("tok-1", "ward-app")
    erased = events(ERASED)[0]
    assert erased["actor"]["user"]["uid"] == "root"
    assert {"type": "subject", "name": "李雷", "uid": "李雷"} in erased["resources"]


def test_aggregated_refusals_keep_their_count() -> None:
    """A record that stands for many refusals says for how many."""
    assert events(FLOOD)[0]["count"] == 70


@pytest.mark.parametrize(("verified", "label"), [(True, "verified"), (False, "unverified")])
def test_label(verified: bool, label: str) -> None:
    """Every event says whether its record was verified."""
    assert [event["metadata"]["labels"] for event in events(ADMITTED, verified=verified)] == [[label], [label]]
