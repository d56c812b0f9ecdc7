"""policies/filters/detectors: what each finds, and what looks like it and is none."""

import base64
from collections.abc import Callable

import pytest

from policies.filters.chain import Chain
from policies.filters.detectors import DETECTORS
from policies.filters.detectors.control import control_tokens
from policies.filters.detectors.deny import deny_terms
from policies.filters.rule import Filter

_CHAINS = {name: Chain(name, [Filter("it", "redact", rules())]) for name, rules in DETECTORS.items()}
_CHAINS["CONTROL_TOKEN"] = Chain("control", [Filter("it", "redact", control_tokens())])
_CHAINS["DENY_TERM"] = Chain("deny", [Filter("it", "redact", deny_terms(["blue harbour", "ufo", "长城计划", "C++"]))])

_FOUND = [
    ("CREDIT_CARD", "卡号{}请核对", "4111111111111111"),
    ("CREDIT_CARD", "{}", "4111 1111 1111 1111"),
    ("CREDIT_CARD", "({})", "5555-5555-5555-4444"),
    ("CREDIT_CARD", "x{}x", "3782 822463 10005"),
    ("CREDIT_CARD", "号码：{}。", "４１１１　１１１１　１１１１　１１１１"),
    ("CREDIT_CARD", "{}", "4111\u200b1111\ufeff1111\u20601111"),
    ("CREDIT_CARD", "{}", "٤١١١١١١١١١١١١١١١"),
    ("CREDIT_CARD", "{}", "4111 - 1111 - 1111 - 1111"),
    ("CREDIT_CARD", "карта{}", "6011111111111117"),
    ("US_SSN", "社安号{}", "219-09-9998"),
    ("US_SSN", "a {}.", "219 09 9998"),
    ("US_SSN", "SSN is {}", "219099998"),
    ("US_SSN", "{}", "219 - 09 - 9998"),
    ("US_SSN", "{}", "２１９–０９—９９９８"),
    ("EMAIL", "邮箱{}请回复", "wang.fang@mail.example.cn"),
    ("EMAIL", "'{}'", "o'neil+x@example.co.uk"),
    ("EMAIL", "to:{},", "ａｎｎａ＠ｅｘａｍｐｌｅ．ｃｏｍ"),
    ("EMAIL", "{}", "josé@exämple.com"),
    ("EMAIL", "{}", "аnna@example.com"),
    ("EMAIL", "mail {} now", "anna (at) example (dot) com"),
    ("EMAIL", "写给 {}！", "anna（at）example【dot】com"),
    ("EMAIL", "write to {}, ok", "anna at mail dot example dot com"),
    ("EMAIL", "{}", "x@xn--fiq228c.xn--55qx5d"),
    ("CN_ID", "证件{}。", "11010519491231002X"),
    ("CN_ID", "{}", "110105 19491231 002x"),
    ("CN_ID", "{}", "１１０１０５１９４９１２３１００２Ｘ"),
    ("CN_MOBILE", "电话{}打给我", "13800138000"),
    ("CN_MOBILE", "{}", "+86 138-0013-8000"),
    ("CN_USCC", "代码{}", "91110000600037341L"),
    ("CN_PASSPORT", "护照{}号", "E12345678"),
    ("CN_PASSPORT", "护照号码：{}", "D1234567"),
    ("CN_PLATE", "车牌{}停", "京A12345"),
    ("CN_PLATE", "{}", "粤B·D12345"),
    ("CN_BANK_CARD", "储蓄卡{}", "6222021001116245702"),
    ("IBAN", "Konto {} danke", "DE89 3704 0044 0532 0130 00"),
    ("IBAN", "{}", "gb29nwbk60161331926819"),
    ("IP_ADDRESS", "在{}上", "10.20.30.40"),
    ("IP_ADDRESS", "{}", "2001:db8::8a2e:370:7334"),
    ("SECRET", "用{}登录", "AKIAIOSFODNN7EXAMPLE"),
    ("SECRET", "{}", "ghp_" + "aB3dE5gH7j" * 4),
    ("SECRET", "口令是{}", "Tr0ub4dor&3x"),
    ("SECRET", 'api_key = "{}"', "q8Zp2LmX0vBn"),
    ("SECRET", "{}", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"),
    ("SECRET", "{}", "postgres://root:hunter2@"),
    ("SECRET", "见 {} 。", "Z2hwX2FCM2RFNWdIN2phQjNkRTVnSDdqYUIzZEU1Z0g3amFCM2RFNWdIN2o="),
    ("CONTROL_TOKEN", "hi {} x", "<|assistant|>"),
    ("CONTROL_TOKEN", "{}", "＜｜ｓｙｓｔｅｍ｜＞"),
    ("CONTROL_TOKEN", "{}", "<\u200b|obser\u200dvation|>"),
    ("CONTROL_TOKEN", "{}", "[gMASK]"),
    ("CONTROL_TOKEN", "{}", "[/INST]"),
    ("CONTROL_TOKEN", "{}", "<｜begin▁of▁sentence｜>"),
    ("DENY_TERM", "the {}!", "Blue Harbour"),
    ("DENY_TERM", "{}", "b.l.u.e.h.a.r.b.o.u.r"),
    ("DENY_TERM", "{}", "ｂｌｕｅ\u200b hаrbоur"),
    ("DENY_TERM", "说说{}吧", "长 城 计 划"),
    ("DENY_TERM", "a {} b", "UFO"),
    ("DENY_TERM", "用{}写", "c++"),
]
_NOT_FOUND = [
    ("CREDIT_CARD", "4111111111111112"),
    ("CREDIT_CARD", "1234567812345670"),
    ("CREDIT_CARD", "41111111111111110000"),
    ("CREDIT_CARD", "4111 \n1111 1111 1111"),
    ("US_SSN", "666-12-3456 000-12-3456 912-12-3456 219-00-9998 219-09-0000"),
    ("US_SSN", "219099998"),
    ("US_SSN", "219-099-998"),
    ("EMAIL", "user@host pkg@1.2.3 @name logo@2x.png git@github.com:o/r"),
    ("EMAIL", "look (at) this (dot), or at node dot js, be at home dot"),
    ("CN_ID", "110105194912310021"),
    ("CN_ID", "11010519491331002X"),
    ("CN_ID", "A11010519491231002X"),
    ("CN_MOBILE", "12800138000 1380013800 138001380001"),
    ("CN_USCC", "91110000600037341M"),
    ("CN_PASSPORT", "D1234567 E1234567 X12345678"),
    ("CN_PLATE", "京ABCDEF 京A123 A12345"),
    ("CN_BANK_CARD", "6222021001116245703"),
    ("IBAN", "DE89 3704 0044 0532 0130 01"),
    ("IP_ADDRESS", "256.1.1.1 1.3.6.1.4.1 v1.2.3.4 12:30:45 std::vector a::b ::1 00:1a:2b:3c:4d:5e"),
    ("SECRET", "password: $PASSWORD token budget sk-learn-is-a-python-library secret sauce 密码策略说明"),
    ("SECRET", "AKIA ghp_short -----BEGIN PUBLIC KEY----- deadbeefdeadbeefdeadbeefdeadbeef"),
    ("CONTROL_TOKEN", "a <| b |> c x<|>y [MASKED] <s>old</s > list[int] INST <b>"),
    ("DENY_TERM", "blue harbours ufos the blue house 长城的计划 C+"),
]


@pytest.mark.parametrize(("kind", "around", "value"), _FOUND)
def test_value_is_withheld_with_nothing_beside_it(kind: str, around: str, value: str) -> None:
    """A value is found in any spelling, and exactly the value is replaced."""
    screened = _CHAINS[kind].screen(around.format(value))
    assert screened.text == around.format(f"[{kind}]")
    (hit,) = screened.hits
    assert around.format(value)[hit.start : hit.end] == value


@pytest.mark.parametrize(("kind", "text"), _NOT_FOUND)
def test_what_only_looks_like_a_value_passes(kind: str, text: str) -> None:
    """A wrong check digit, an impossible date, a name that is no address: nothing is withheld."""
    assert _CHAINS[kind].screen(text).hits == ()


_KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nAAAA==\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_private_key_is_swallowed_to_its_end_line_and_no_further(size: int) -> None:
    """However a private key is cut, all of it is withheld and the words behind it pass."""
    text, stream = f"key {_KEY} and more words", _CHAINS["SECRET"].open()
    pieces = [stream.feed(text[at : at + size]) for at in range(0, len(text), size)] + [stream.finish()]
    assert "".join(piece.text for piece in pieces) == "key [SECRET] and more words"
    assert [(hit.start, hit.end) for piece in pieces for hit in piece.hits] == [(4, 4 + len(_KEY))]


def test_private_key_cut_off_by_the_end_of_the_text() -> None:
    """A key without an end line is withheld as far as it goes."""
    assert _CHAINS["SECRET"].screen("x " + _KEY[:60]).text == "x [SECRET]"


@pytest.mark.parametrize(
    "wrap",
    [str.encode, lambda text: text.encode().hex().encode(), lambda text: text.replace("_", "%5F").encode()],
)
def test_secret_wrapped_twice(wrap: Callable[[str], bytes]) -> None:
    """A token inside an encoding inside base64 is found."""
    inner = wrap("ghp_" + "aB3dE5gH7j" * 4)
    assert _CHAINS["SECRET"].screen(base64.b64encode(inner).decode()).text == "[SECRET]"
