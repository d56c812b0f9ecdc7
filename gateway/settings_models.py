"""The `models` of `hangu.yaml`: checkpoints served in this process, and models behind OpenAI-compatible servers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gateway.settings_references import References, is_http_url
from policies.source import Fields, Node

_MODEL_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"


@dataclass(frozen=True, slots=True)
class EmbeddedModel:
    """A ChatGLM3 checkpoint served in this process."""

    id: str
    aliases: tuple[str, ...]
    path: Path
    dtype: Literal["float32", "float16", "bfloat16"]
    device: str
    max_running: int
    max_waiting: int
    threads: int | None


@dataclass(frozen=True, slots=True)
class UpstreamModel:
    """A model behind an OpenAI-compatible server."""

    id: str
    aliases: tuple[str, ...]
    base_url: str
    upstream_model: str
    api_key: str | None


ModelSettings = EmbeddedModel | UpstreamModel


def read_models(fields: Fields, references: References) -> tuple[ModelSettings, ...]:
    """The models under `models`. Mistakes become problems of their nodes."""
    models: list[ModelSettings] = []
    names: set[str] = set()
    for node in fields.nodes("models"):
        model = _model(node, references)
        models.append(model)
        for name in (model.id, *model.aliases):
            if name in names:
                node.fail(f"two models answer to `{name}`")
            names.add(name)
    if not models:
        fields.fail("models", "at least one model is needed")
    return tuple(models)


def _model(node: Node, references: References) -> ModelSettings:
    embedded = ("path", "dtype", "device", "max_running", "max_waiting", "threads")
    upstream = ("base_url", "upstream_model", "api_key")
    fields = node.mapping(required=("id", "engine"), optional=("aliases", *embedded, *upstream))
    model_id = fields.string("id", pattern=_MODEL_ID)
    aliases = fields.strings("aliases", pattern=_MODEL_ID, empty=True)
    engine = fields.string("engine", "transformers", choices=("transformers", "openai"))
    foreign = upstream if engine == "transformers" else embedded
    for key in foreign:
        if key in fields:
            fields.fail(key, f"`{key}` does not belong to engine `{engine}`")
    if engine == "openai":
        return _upstream(fields, references, model_id, aliases)
    if "path" not in fields:
        node.fail("missing key `path`")
    threads = fields.integer("threads", 1, 256, default=0)
    return EmbeddedModel(
        id=model_id,
        aliases=aliases,
        path=_checkpoint(fields, references),
        dtype=_dtype(fields),
        device=fields.string("device", "auto", pattern=r"auto|cpu|cuda(:[0-9]{1,2})?"),
        max_running=fields.integer("max_running", 1, 256, default=8),
        max_waiting=fields.integer("max_waiting", 0, 4096, default=32),
        threads=threads or None,
    )


def _checkpoint(fields: Fields, references: References) -> Path:
    if fields.string("path") == "demo":
        from model_runtime.demo import WEIGHTS

        return WEIGHTS
    path = references.path(fields, "path")
    if "path" in fields and not path.is_dir():
        fields.fail("path", f"there is no folder `{path}`")
    return path


def _upstream(fields: Fields, references: References, model_id: str, aliases: tuple[str, ...]) -> UpstreamModel:
    url = fields.string("base_url").rstrip("/")
    if not is_http_url(url):
        fields.fail("base_url", "`base_url` must be an http or https URL such as `http://10.0.0.5:9000/v1`")
    return UpstreamModel(
        id=model_id,
        aliases=aliases,
        base_url=url,
        upstream_model=fields.string("upstream_model", model_id, max_length=256),
        api_key=references.secret_text(fields, "api_key") if "api_key" in fields else None,
    )


def _dtype(fields: Fields) -> Literal["float32", "float16", "bfloat16"]:
    name = fields.string("dtype", "float32", choices=("float32", "float16", "bfloat16"))
    return "float16" if name == "float16" else "bfloat16" if name == "bfloat16" else "float32"
