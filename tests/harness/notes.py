"""What a store of anchors holds, for tests."""

from audit.anchors.target import Store


def notes_of(store: Store, origin: str) -> list[str]:
    """The notes of one log, oldest first."""
    return [note for _, note in store.notes(origin)][::-1]
