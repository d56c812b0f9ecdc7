"""Letters and signs that look like an ASCII character without being compatible with it in Unicode's own tables.

A short list of the pairs that people use to slip a word past a filter (compare Unicode TS #39, confusables): Cyrillic,
Greek, Armenian and phonetic letters, strokes that look like `|`, dashes that are no Unicode dash.
"""

from typing import Final

_PAIRS: Final = (
    ("аӓӑ", "a"), ("сϲ", "c"), ("ԁ", "d"), ("еёѐҽ", "e"), ("ɡց", "g"), ("һհ", "h"), ("іїıɩι", "i"), ("јϳ", "j"),
    ("кκ", "k"), ("ӏ", "l"), ("мϻ", "m"), ("пռո", "n"), ("оοօσ", "o"), ("рρ", "p"), ("ԛզ", "q"), ("гᴦ", "r"),
    ("ѕ", "s"), ("тτ", "t"), ("սυ", "u"), ("ѵν", "v"), ("ԝѡω", "w"), ("хχ", "x"), ("уγү", "y"), ("ᴢ", "z"),
    ("αɑ", "a"), ("ε", "e"), ("η", "n"), ("в", "b"), ("н", "h"),
    ("АΑ", "A"), ("ВΒ", "B"), ("СϹ", "C"), ("ЕΕ", "E"), ("Ԍ", "G"), ("НΗ", "H"), ("ІΙӀ", "I"), ("ЈͿ", "J"),
    ("КΚ", "K"), ("МΜ", "M"), ("Ν", "N"), ("ОΟՕ", "O"), ("РΡ", "P"), ("Ԛ", "Q"), ("ЅՏ", "S"), ("ТΤ", "T"),
    ("Ս", "U"), ("Ѵ", "V"), ("Ԝ", "W"), ("ХΧ", "X"), ("УΥҮ", "Y"), ("Ζ", "Z"),
    ("ᴀ", "a"), ("ʙ", "b"), ("ᴄ", "c"), ("ᴅ", "d"), ("ᴇ", "e"), ("ꜰ", "f"), ("ɢ", "g"), ("ʜ", "h"), ("ɪ", "i"),
    ("ᴊ", "j"), ("ᴋ", "k"), ("ʟ", "l"), ("ᴍ", "m"), ("ɴ", "n"), ("ᴏ", "o"), ("ᴘ", "p"), ("ʀ", "r"), ("ꜱ", "s"),
    ("ᴛ", "t"), ("ᴜ", "u"), ("ᴠ", "v"), ("ᴡ", "w"), ("ʏ", "y"),
    ("øłđħŧ", "oldht"), ("ØŁĐĦŦ", "OLDHT"),
    ("∣❘ǀ│┃¦∥", "|"), ("−⁃─━⎯﹘ー", "-"), ("∕⁄⧸", "/"), ("․‧·•・∙⋅", "."), ("‹〈⟨❮", "<"), ("›〉⟩❯", ">"),
    ("‘’‛′ʼ＇", "'"),
)  # fmt: skip


def _table() -> dict[str, str]:
    found: dict[str, str] = {}
    for odd, plain in _PAIRS:
        found.update(zip(odd, plain if len(plain) == len(odd) else plain * len(odd), strict=True))
    for start in (0x1F150, 0x1F170):  # letters in black circles and squares, which no Unicode mapping names
        found.update((chr(start + n), chr(ord("A") + n)) for n in range(26))
    return found


LOOKALIKES: Final = _table()
