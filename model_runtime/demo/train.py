"""Train the demo model from nothing: `python -m model_runtime.demo.train --out DIR`.

One thread, fixed seeds and deterministic kernels: on one machine and one torch build, equal options give equal bytes.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from model_runtime.chatglm3 import Tokenizer
from model_runtime.demo.checkpoint import Shape, build, export
from model_runtime.demo.corpus import digest, examples
from model_runtime.demo.dialogues import dialogues
from model_runtime.demo.vocabulary import IGNORED, Encoded, encode, padded, padded_size, train_pieces

if TYPE_CHECKING:
    import torch
    from transformers import GlmForCausalLM

STEPS: Final = 1400
SEED: Final = 20251
_TOKENS_PER_BATCH: Final = 2048
_WINDOW: Final = 512  # conversations sorted by length together, so that a batch has little padding
_WARM_UP: Final = 40
_MUON_RATE: Final = 0.02
_ADAM_RATE: Final = 0.003


def batches(conversations: Iterator[Encoded], seed: int) -> Iterator[list[Encoded]]:
    """Group conversations of similar length, each group at most `_TOKENS_PER_BATCH` with padding, in random order."""
    chooser = random.Random(seed)
    while True:
        window = sorted((next(conversations) for _ in range(_WINDOW)), key=lambda encoded: len(encoded.ids))
        groups: list[list[Encoded]] = [[]]
        for encoded in window:
            if len(encoded.ids) * (len(groups[-1]) + 1) > _TOKENS_PER_BATCH:
                groups.append([])
            groups[-1].append(encoded)
        chooser.shuffle(groups)
        yield from filter(None, groups)


def train(steps: int, seed: int, tokenizer: Tokenizer, progress: Progress) -> tuple[GlmForCausalLM, Shape]:
    """Train for `steps` batches and return the model, in fp32, with its shape."""
    import torch

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)
    shape = Shape(padded_size(tokenizer))
    model = build(shape).train()
    model.set_attn_implementation("eager")  # faster than the fused kernel's backward on rows this short
    optimizers = _optimizers(model)
    feed = batches((encode(tokenizer, messages) for messages in dialogues(examples(), seed)), seed)
    task = progress.add_task("training", total=steps, loss="")
    for step in range(steps):
        loss = _step(model, optimizers, next(feed), _rate(step, steps))
        progress.update(task, advance=1, loss=f"{loss:.4f}")
    return model.eval(), shape


def _optimizers(model: GlmForCausalLM) -> tuple[torch.optim.Optimizer, ...]:
    """Return Muon for the matrices inside the layers, which learn faster by it, and AdamW for the rest."""
    import torch

    matrices = [weight for weight in model.model.layers.parameters() if weight.ndim == 2]
    inside = {id(weight) for weight in matrices}
    rest = [weight for weight in model.parameters() if id(weight) not in inside]
    return (
        torch.optim.Muon(matrices, lr=_MUON_RATE, weight_decay=0.01),
        torch.optim.AdamW(rest, lr=_ADAM_RATE, betas=(0.9, 0.98), weight_decay=0.0),
    )


def _rate(step: int, steps: int) -> float:
    """Return the share of the full learning rate: linear warm-up, then a cosine down to zero."""
    if step < _WARM_UP:
        return (step + 1) / _WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (step - _WARM_UP) / max(1, steps - _WARM_UP)))


def _step(
    model: GlmForCausalLM, optimizers: Sequence[torch.optim.Optimizer], batch: list[Encoded], rate: float
) -> float:
    import torch

    ids, targets = padded(batch)  # both [batch, length]
    learned = targets != IGNORED
    with torch.autocast("cpu", torch.bfloat16):  # weights stay fp32; the products take a third of the time
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state  # [batch, length, hidden]
        logits = model.lm_head(hidden[learned])  # [learned, vocabulary]
    loss = torch.nn.functional.cross_entropy(logits.float(), targets[learned])
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group.setdefault("full_rate", group["lr"]) * rate
        optimizer.step()
        optimizer.zero_grad()
    return loss.item()


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the checkpoint."
)
@click.option("--steps", type=click.IntRange(1), default=STEPS, show_default=True, help="Batches to train on.")
@click.option("--seed", type=int, default=SEED, show_default=True, help="Seed of the weights and of the order.")
def main(out: Path, steps: int, seed: int) -> None:
    """Train the demo model and write its checkpoint."""
    corpus = examples()
    click.echo(f"{len(corpus)} examples, digest {digest(corpus)}", err=True)
    out.mkdir(parents=True, exist_ok=True)
    (out / "tokenizer.model").write_bytes(train_pieces(corpus))
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]}"),
    )
    with Progress(*columns, TimeRemainingColumn()) as progress:
        model, shape = train(steps, seed, Tokenizer(out), progress)
    export(model, shape, out)


if __name__ == "__main__":
    main()
