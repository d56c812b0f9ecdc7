"""What a caller offers for arguments that the user leaves out, such as the paths in a deployment's configuration."""

import argparse
from collections.abc import Mapping, Sequence

_OPTIONAL = {None: "?", "+": "*"}  # `nargs` of a positional argument, required and not


def parse(parser: argparse.ArgumentParser, argv: Sequence[str], offered: Mapping[str, object]) -> argparse.Namespace:
    """Parse `argv`, with `offered` for what is not given, by destination; its values are what the arguments become.

    What the parser does not know is passed over. Exits like `parse_args` where something is missing or wrong.
    """
    filled = [action for action in parser._actions if action.dest in offered]  # noqa: SLF001 - argparse offers no other
    if not filled:
        return parser.parse_args(argv)
    for action in filled:
        action.required = False
        action.default = None
        if not action.option_strings and not isinstance(action.nargs, int):
            action.nargs = _OPTIONAL.get(action.nargs, action.nargs)
    options = parser.parse_intermixed_args(argv)  # a plain parse takes an optional positional for absent too early
    for action in filled:
        if getattr(options, action.dest) in (None, []):
            setattr(options, action.dest, offered[action.dest])
    return options
