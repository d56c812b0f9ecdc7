"""The bundle in force."""

from policies.bundle import Bundle


class LiveBundle:
    """Holds the active bundle. A request takes the reference once and keeps it, so it sees one policy throughout.

    Reading and replacing one reference is atomic in CPython; only whole, checked bundles come in.
    """

    __slots__ = ("_active",)

    def __init__(self, bundle: Bundle) -> None:
        self._active = bundle

    def current(self) -> Bundle:
        """The bundle to use for a request that starts now."""
        return self._active

    def activate(self, bundle: Bundle) -> Bundle:
        """Replace the bundle and return the one that was in force, for a way back."""
        previous, self._active = self._active, bundle
        return previous
