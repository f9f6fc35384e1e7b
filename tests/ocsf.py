"""What OCSF 1.8.0 requires of the classes that we speak, as its definitions say (github.com/ocsf/ocsf-schema)."""

from collections.abc import Iterator
from typing import Any

Object = dict[str, Any]

# Of the base event, and of each class beside it.
BASE = {
    "activity_id": int,
    "category_uid": int,
    "class_uid": int,
    "metadata": dict,
    "severity_id": int,
    "time": int,
    "type_uid": int,
}
REQUIRED: dict[int, dict[str, type]] = {
    3001: {"user": dict},
    3002: {"user": dict},
    3003: {"user": dict},
    3004: {"entity": dict},
    3005: {"user": dict, "privileges": list},
    6002: {"app": dict},
    6003: {"actor": dict, "api": dict, "src_endpoint": dict},
}
AT_LEAST_ONE: dict[int, set[str]] = {3002: {"service", "dst_endpoint"}}
ACTIVITIES = {
    3001: {*range(13), 99},
    3002: {*range(8), 99},
    3003: {0, 1, 2, 99},
    3004: {*range(14), 99},
    3005: {0, 1, 2, 99},
    6002: {*range(9), 99},
    6003: {*range(5), 99},
}
SEVERITIES = {0, 1, 2, 3, 4, 5, 6, 99}
# Objects: what is required in each, and of what at least one has to be there.
OBJECTS: dict[str, tuple[set[str], set[str]]] = {
    "metadata": ({"product", "version"}, set()),
    "user": (set(), {"account", "name", "uid"}),
    "entity": (set(), {"name", "uid"}),
    "app": ({"vendor_name"}, {"name", "uid"}),
    "actor": (set(), {"process", "user", "invoked_by", "session", "idp", "app_name", "app_uid"}),
    "api": ({"operation"}, set()),
    "src_endpoint": (set(), {"ip", "uid", "name", "hostname", "svc_name", "instance_uid", "interface_uid"}),
    "service": (set(), {"name", "uid"}),
    "session": (set(), {"uid"}),
    "http_request": (set(), set()),
}


def problems(event: Object) -> Iterator[str]:
    """Yield what is wrong with an event."""
    number = event["class_uid"]
    for name, kind in (BASE | REQUIRED[number]).items():
        if type(event.get(name)) is not kind:
            yield f"{name} is {event.get(name)!r}"
    if number in AT_LEAST_ONE and not AT_LEAST_ONE[number] & event.keys():
        yield f"none of {AT_LEAST_ONE[number]} is there"
    if event["activity_id"] not in ACTIVITIES[number]:
        yield f"the activity {event['activity_id']} is none"
    if event["type_uid"] != number * 100 + event["activity_id"] or event["category_uid"] != number // 1000:
        yield "the numbers do not go together"
    if event["severity_id"] not in SEVERITIES or event["status_id"] not in {0, 1, 2, 99}:
        yield "severity or status is none"
    if event["metadata"]["version"] != "1.8.0" or "vendor_name" not in event["metadata"]["product"]:
        yield "the metadata says too little"
    yield from (f"{name} is {event[name]}" for name in OBJECTS if name in event and not _is_whole(name, event[name]))


def _is_whole(name: str, part: Object) -> bool:
    required, one_of = OBJECTS[name]
    return required <= part.keys() and (not one_of or bool(one_of & part.keys())) and None not in part.values()
