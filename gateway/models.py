"""The configured models, opened as engines and found by id or alias."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.settings_models import EmbeddedModel, ModelSettings
from model_runtime.engine import Engine


class Models:
    """Engines by name. The embedded one loads its weights here, once per worker.

    `threads` is how many requests the worker serves at a time.
    """

    def __init__(self, configured: Iterable[ModelSettings], threads: int) -> None:
        self._by_name: dict[str, tuple[str, Engine]] = {}
        self.names: tuple[str, ...] = ()
        for settings in configured:
            found = (settings.id, open_engine(settings, threads))
            self.names += (settings.id,)
            self._by_name |= dict.fromkeys((settings.id, *settings.aliases), found)

    def find(self, name: str) -> tuple[str, Engine] | None:
        """The model's own id and its engine, or None."""
        return self._by_name.get(name)

    def ready(self) -> bool:
        """Whether every model would serve a request now."""
        return all(engine.ready() for _, engine in self._by_name.values())

    def digests(self) -> dict[str, dict[str, str]]:
        """SHA-256 of the files behind each model, by model and file name."""
        return {name: engine.files().digests for name, engine in dict(self._by_name.values()).items()}

    def close(self) -> None:
        """Stop every engine; what runs ends with an error."""
        for _, engine in self._by_name.values():
            engine.close()


def open_engine(settings: ModelSettings, threads: int) -> Engine:
    """The engine that the settings ask for. torch is imported only for an embedded one."""
    if isinstance(settings, EmbeddedModel):
        from model_runtime.embedded import open_embedded

        return open_embedded(
            settings.path,
            dtype=settings.dtype,
            device=settings.device,
            max_running=settings.max_running,
            max_waiting=settings.max_waiting,
            threads=settings.threads,
        )
    from model_runtime.openai import open_upstream

    return open_upstream(settings.base_url, model=settings.upstream_model, api_key=settings.api_key, pool_size=threads)
