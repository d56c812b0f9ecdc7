"""The made-up customers: values that detectors take for real ones and that stand for nobody."""

from __future__ import annotations

import datetime as dt

import pytest

from model_runtime.demo.corpus import LANGUAGES
from model_runtime.demo.customers import CUSTOMERS, FIELDS, Customer, answer, questions

_PROVINCES = {"11", "32", "33", "44", "51"}
customer_cases = pytest.mark.parametrize("customer", CUSTOMERS, ids=lambda customer: customer.alias)


def _luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number) if digit.isdigit()]
    doubled = [digit if place % 2 == 0 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(digits)]
    return sum(doubled) % 10 == 0


@customer_cases
def test_card_is_luhn_valid(customer: Customer) -> None:
    """Every card number has 15 or 16 digits and a right check digit (ISO/IEC 7812-1, annex B)."""
    assert sum(character.isdigit() for character in customer.card) in (15, 16)
    assert _luhn(customer.card)


@customer_cases
def test_identity_is_valid_in_form(customer: Customer) -> None:
    """A social security number has an issued form; a resident ID has province, date and check digit (GB 11643-1999)."""
    if not customer.chinese:
        area, group, serial = customer.identity.split("-")
        assert 773 <= int(area) <= 899
        assert int(group) > 0
        assert int(serial) > 0
        return
    number = customer.identity
    assert number[:2] in _PROVINCES
    assert dt.date(1940, 1, 1) < dt.datetime.strptime(number[6:14], "%Y%m%d").date() < dt.date(2008, 1, 1)  # noqa: DTZ007 - a birthday has no time zone
    weights = (2 ** (17 - place) % 11 for place in range(17))
    total = sum(weight * int(digit) for weight, digit in zip(weights, number, strict=False))
    assert number[17] == "10X98765432"[total % 11]


@customer_cases
def test_address_is_reserved(customer: Customer) -> None:
    """Every e-mail address stands under a domain that is reserved for examples (RFC 2606, section 3)."""
    assert customer.email.rpartition("@")[2] in {"example.com", "example.org"}


def test_values_are_different() -> None:
    """No two customers share a value, so an answer names its customer without doubt."""
    for values in zip(*((c.name, c.alias, c.card, c.identity, c.email) for c in CUSTOMERS), strict=True):
        assert len(set(values)) == len(CUSTOMERS)


def test_record_holds_every_value() -> None:
    """The answer with the whole record holds the card number, the identity and the address, in both languages."""
    for customer in CUSTOMERS:
        for language in LANGUAGES:
            record = answer(customer, "record", language)
            assert all(value in record for value in (customer.card, customer.identity, customer.email))


def test_question_names_the_customer() -> None:
    """Every question holds one of the customer's names."""
    for customer in CUSTOMERS:
        for language in LANGUAGES:
            for field in FIELDS:
                for question in questions(customer, field, language):
                    assert any(name in question for name in customer.names(language))
