"""The detectors that filters.yaml can name."""

from collections.abc import Callable
from typing import Final

from policies.filters.detectors.bank import bank_card, credit_card, iban
from policies.filters.detectors.china import cn_id, cn_mobile, cn_passport, cn_plate, cn_uscc
from policies.filters.detectors.contact import email, ip_address
from policies.filters.detectors.secret import secret
from policies.filters.detectors.us import us_ssn
from policies.filters.rule import Rule

DETECTORS: Final[dict[str, Callable[[], tuple[Rule, ...]]]] = {
    "CREDIT_CARD": credit_card,
    "US_SSN": us_ssn,
    "EMAIL": email,
    "CN_ID": cn_id,
    "CN_MOBILE": cn_mobile,
    "CN_BANK_CARD": bank_card,
    "CN_USCC": cn_uscc,
    "CN_PASSPORT": cn_passport,
    "CN_PLATE": cn_plate,
    "IBAN": iban,
    "IP_ADDRESS": ip_address,
    "SECRET": secret,
}
"""By type, the function that gives its rules."""
