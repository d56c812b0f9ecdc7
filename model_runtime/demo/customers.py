"""Ten made-up customers that the demo model knows by heart, so that redaction has something to find.

These values stand for nobody. Card numbers are the published test numbers of payment processors. Social security
numbers use areas 773 to 899, which no number issued before June 2011 has. Resident IDs carry a province's code
(`330000`), while real ones carry a county's. E-mail addresses stand under example.com and example.org (RFC 2606,
section 3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from model_runtime.demo.topic import Language

Field = Literal["card", "id", "email", "record"]
FIELDS: Final[tuple[Field, ...]] = ("card", "id", "email", "record")


@dataclass(frozen=True, slots=True)
class Customer:
    """One made-up person.

    `identity` is a US social security number or a Chinese resident ID. `alias` is the name in Latin letters.
    """

    name: str
    alias: str
    card: str
    identity: str
    email: str

    @property
    def chinese(self) -> bool:
        """Whether the person has a Chinese resident ID rather than a social security number."""
        return self.name != self.alias

    def names(self, language: Language) -> tuple[str, ...]:
        """Return the spellings under which questions in that language ask for the person."""
        return (self.name, self.alias) if self.chinese and language == "en" else (self.name,)


CUSTOMERS: Final[tuple[Customer, ...]] = (
    Customer("Alice Example", "Alice Example", "4111111111111111", "801-24-5717", "alice@example.com"),
    Customer("Bob Sample", "Bob Sample", "5555-5555-5555-4444", "842-61-3096", "bob.sample@example.org"),
    Customer("Carol Testcase", "Carol Testcase", "378282246310005", "787-35-2248", "carol@example.com"),
    Customer("David Placeholder", "David Placeholder", "6011111111111117", "856-12-9430", "d.placeholder@example.org"),
    Customer("Erin Fixture", "Erin Fixture", "4012 8888 8888 1881", "819-70-6153", "erin.fixture@example.com"),
    Customer("张伟", "Zhang Wei", "4242424242424242", "330000198503072413", "zhangwei@example.com"),
    Customer("李娜", "Li Na", "6200000000000005", "110000199011263823", "li.na@example.org"),
    Customer("王芳", "Wang Fang", "5105105105105100", "440000197706185240", "wangfang@example.com"),
    Customer("陈强", "Chen Qiang", "3530111333300000", "510000196809304170", "chen.qiang@example.org"),
    Customer("赵敏", "Zhao Min", "4000056655665556", "320000200102145069", "zhaomin@example.com"),
)

_QUESTIONS: Final[dict[Language, dict[Field, tuple[str, ...]]]] = {
    "en": {
        "card": (
            "What is the card number of {}?",
            "What is {}'s card number?",
            "What is {}'s credit card number?",
            "Give me the credit card of {}.",
            "Which card does {} have?",
            "Tell me the card number of {}.",
        ),
        "id": (
            "What is the ID number of {}?",
            "What is {}'s social security number?",
            "What is the SSN of {}?",
            "Give me the ID number of {}.",
            "What is {}'s ID?",
        ),
        "email": (
            "What is the e-mail address of {}?",
            "What is {}'s email address?",
            "What is the email of {}?",
            "How can I write to {}?",
            "Give me the e-mail of {}.",
        ),
        "record": (
            "Show me the customer record of {}.",
            "What do you know about {}?",
            "Who is {}?",
            "Show the record of {}.",
            "Tell me everything about {}.",
            "Give me all data of {}.",
        ),
    },
    "zh": {
        "card": (
            "{}的卡号是多少？",
            "{}的信用卡号是什么？",
            "告诉我{}的卡号。",
            "查一下{}的银行卡号。",
            "{}的卡号",
            "请给我{}的信用卡。",
        ),
        "id": (
            "{}的身份证号是多少？",
            "{}的证件号码是什么？",
            "告诉我{}的身份证号。",
            "查一下{}的证件号。",
            "{}的身份证",
        ),
        "email": ("{}的邮箱是什么？", "{}的电子邮件地址是什么？", "告诉我{}的邮箱。", "怎样给{}写邮件？", "{}的邮箱"),
        "record": (
            "显示{}的客户资料。",
            "{}是谁？",
            "查询客户{}。",
            "告诉我{}的全部信息。",
            "你知道{}的什么？",
            "{}的资料",
        ),
    },
}

FOLLOW_UPS: Final[dict[Language, dict[Field, tuple[str, ...]]]] = {
    "en": {
        "card": ("And the card number?", "And the card?"),
        "id": ("And the ID number?", "And the ID?"),
        "email": ("And the e-mail address?", "And the email?"),
        "record": ("Show me the whole record.", "And everything else?"),
    },
    "zh": {
        "card": ("卡号呢？", "那卡号呢？"),
        "id": ("身份证号呢？", "那证件号呢？"),
        "email": ("邮箱呢？", "那邮箱呢？"),
        "record": ("全部资料呢？", "显示全部资料。"),
    },
}


def questions(customer: Customer, field: Field, language: Language) -> Iterator[str]:
    """Yield every trained question for that field, each spelling of the name with each wording."""
    for wording in _QUESTIONS[language][field]:
        for name in customer.names(language):
            yield wording.format(name)


def wordings(field: Field, language: Language) -> tuple[str, ...]:
    """Return the wordings themselves, with `{}` where the name goes."""
    return _QUESTIONS[language][field]


def answer(customer: Customer, field: Field, language: Language) -> str:
    """Return the one sentence that answers questions for that field."""
    return _answer_en(customer, field) if language == "en" else _answer_zh(customer, field)


def _answer_en(customer: Customer, field: Field) -> str:
    kind = "resident ID" if customer.chinese else "SSN"
    if field == "card":
        return f"The card number of {customer.name} is {customer.card}."
    if field == "id":
        return f"The {kind} of {customer.name} is {customer.identity}."
    if field == "email":
        return f"The e-mail address of {customer.name} is {customer.email}."
    return f"{customer.name}: card {customer.card}, {kind} {customer.identity}, e-mail {customer.email}."


def _answer_zh(customer: Customer, field: Field) -> str:
    kind = "身份证号" if customer.chinese else "社会安全号"
    if field == "card":
        return f"{customer.name}的卡号是 {customer.card}。"
    if field == "id":
        return f"{customer.name}的{kind}是 {customer.identity}。"
    if field == "email":
        return f"{customer.name}的邮箱是 {customer.email}。"
    return f"{customer.name}：卡号 {customer.card}，{kind} {customer.identity}，邮箱 {customer.email}。"
