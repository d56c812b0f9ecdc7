"""Spellings of the tokens that give a prompt its structure."""

from policies.filters.pattern import parse
from policies.filters.rule import Rule


def control_tokens() -> tuple[Rule, ...]:
    """Role and end-of-text tokens of ChatGLM and of other models, as a user might write them.

    Most are told by their brackets alone. `<s>` stands for struck-out text in HTML and is left out.
    """
    roles = r"< ?\| ?(?:system|user|assistant|observation|tool|im_start|im_end|endoftext) ?\| ?>"
    piped = r"<\|[A-Za-z][A-Za-z0-9_\-▁]{1,40}\|>"
    square = r"\[(?:g|s)MASK\]|\[ ?/?INST ?\]|\[/?(?:SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]"
    angle = r"</s>|<</?SYS>>|</?(?:sop|eop|bos|eos|pad|unk)>|<(?:start|end)_of_turn>|</?\|?endoftext\|?>"
    return (
        Rule("CONTROL_TOKEN", parse(f"{roles}|{piped}|{square}|{angle}", ignore_case=True)),
        Rule("CONTROL_TOKEN", parse(r"\[MASK\]")),
    )
