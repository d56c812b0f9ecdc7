"""ChatGLM3's tokenizer: SentencePiece for every text, and nine special ids that no text can become.

The special ids follow the SentencePiece vocabulary of n pieces (THUDM/chatglm3-6b `tokenization_chatglm.py`). They are
numbers that only this module's own code writes into a prompt: `<|system|>` typed by a user is five pieces of text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import sentencepiece

from model_runtime.chatglm3.answer import Answer, Segment
from model_runtime.chatglm3.checkpoint import confined_file
from model_runtime.chatglm3.errors import CheckpointError
from model_runtime.chatglm3.prompt import turns
from model_runtime.chatglm3.text import TextStream
from model_runtime.engine import ContextExceeded, Message, PromptRefused

FILE = "tokenizer.model"

_LARGEST = 64 << 20
_SPECIAL = 9
_BYTES = {f"<0x{byte:02X}>": byte for byte in range(256)}


class Tokenizer:
    """Immutable once made; safe to use from many threads at once.

    `text_size` is n, the number of SentencePiece pieces; `size` is n + 9, the ids that mean something. `stop_ids` end
    an answer. `file` and `digest` (SHA-256, hex) say what was loaded.
    """

    def __init__(self, path: Path | str) -> None:
        """Load `path`, a SentencePiece model or a folder that holds `tokenizer.model`. Raises CheckpointError."""
        self.file = _find(Path(path))
        model = _read(self.file)
        self.digest = hashlib.sha256(model).hexdigest()
        self._pieces, self._surfaces = _parsed(self.file, model)
        self.text_size = int(self._pieces.vocab_size())
        self.size = self.text_size + _SPECIAL
        self.eos = int(self._pieces.eos_id())
        # Of any other type, a text could be encoded as the end of the sequence.
        if self.eos < 0 or not self._pieces.is_control(self.eos):
            raise CheckpointError(self.file, "has no control piece that ends a sequence")
        n = self.text_size
        self.mask, self.gmask, self.smask, self.sop, self.eop = n, n + 1, n + 2, n + 3, n + 4
        self.roles = {"system": n + 5, "user": n + 6, "assistant": n + 7, "observation": n + 8}
        self.stop_ids = (self.eos, self.roles["user"], self.roles["observation"])
        self._longest_piece = max(len(surface) for surface in self._surfaces if isinstance(surface, str))

    def encode(self, text: str) -> list[int]:
        """The ids of `text`, all below `text_size`. Raises PromptRefused for what is not text, lone surrogates too."""
        try:
            return list(self._pieces.encode(text.encode("utf-8")))
        except (AttributeError, UnicodeError) as error:
            raise PromptRefused("a text of the prompt is not valid Unicode text") from error

    def encode_chat(
        self,
        messages: Sequence[Message | Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]] | None = None,
        *,
        context: int | None = None,
    ) -> list[int]:
        """The prompt that asks for the assistant's next turn after `messages`.

        A message is a Message or a mapping with `role`, `content` and perhaps `metadata`. `tools` are written into the
        system message as data. Raises PromptRefused for an empty conversation and for a malformed message, and
        ContextExceeded for a text that is too long for `context` tokens however it is cut into pieces.
        """
        conversation = turns(messages, tools)
        if context is not None:
            # A megabyte takes a second to tokenize: too dear for a prompt that is refused anyway.
            least = sum(len(turn.content) for turn in conversation) // self._longest_piece
            if least > context:
                raise ContextExceeded(least, 1, context)
        ids = [self.gmask, self.sop]
        for turn in conversation:
            ids.append(self.roles[turn.role])
            ids += self.encode(turn.metadata + "\n")
            ids += self.encode(turn.content)
        ids.append(self.roles["assistant"])
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`. Ids that stand for no text, special and padding ids among them, add nothing."""
        return str(self._pieces.decode([token for token in ids if 0 <= token < self.text_size]))

    def stream(self) -> TextStream:
        """A decoder that takes one id at a time; its texts add up to what `decode` gives for all of them."""
        return TextStream(self.surface)

    def answer(self, stop: Sequence[str] = ()) -> Answer:
        """A decoder of one segment of an answer, which ends at the first of the `stop` strings."""
        return Answer(self.stream(), stop)

    def segments(self, ids: Sequence[int]) -> list[Segment]:
        """A whole answer, split at the assistant id and never at a text that looks like it."""
        parts: list[list[int]] = [[]]
        for token in ids:
            if token == self.roles["assistant"]:
                parts.append([])
            else:
                parts[-1].append(token)
        return [self._segment(part) for part in parts]

    def surface(self, token: int) -> str | int | None:
        """What one id stands for: a text with `▁` for its spaces, a byte from 0 to 255, None for what is no piece."""
        return self._surfaces[token] if 0 <= token < self.text_size else None

    def _segment(self, ids: Sequence[int]) -> Segment:
        answer = self.answer()
        text = "".join([answer.push(token) for token in ids])
        text += answer.finish()
        return Segment(answer.metadata, text)


def _find(path: Path) -> Path:
    try:
        folder = path.resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise CheckpointError(path, "no such tokenizer") from error
    return confined_file(folder, FILE) if folder.is_dir() else confined_file(folder.parent, folder.name)


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > _LARGEST:
            raise CheckpointError(file, f"is larger than {_LARGEST} bytes")
        return file.read_bytes()
    except OSError as error:
        raise CheckpointError(file, f"cannot be read: {error}") from error


def _parsed(file: Path, model: bytes) -> tuple[sentencepiece.SentencePieceProcessor, tuple[str | int, ...]]:
    """The processor, and what each of its ids stands for: a text, a byte, or "" for a control piece."""
    try:
        processor = sentencepiece.SentencePieceProcessor()
        processor.LoadFromSerializedProto(model)
        return processor, _surfaces(processor)
    except Exception as error:  # a foreign parser over a foreign file: whatever it raises, the file is not served
        raise CheckpointError(file, f"is no sound SentencePiece model: {error}") from error


def _surfaces(processor: sentencepiece.SentencePieceProcessor) -> tuple[str | int, ...]:
    ids = list(range(processor.vocab_size()))
    surfaces: list[str | int] = list(processor.id_to_piece(ids))
    for token, (control, unknown, byte) in enumerate(
        zip(processor.is_control(ids), processor.is_unknown(ids), processor.is_byte(ids), strict=True)
    ):
        if control:
            surfaces[token] = ""
        elif unknown:
            surfaces[token] = str(processor.decode([token]))
        elif byte:
            surfaces[token] = _BYTES[str(surfaces[token])]
    return tuple(surfaces)
