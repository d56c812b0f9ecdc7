"""Who calls: what a verified token says, typed, and nothing that was not checked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of one request. Every text is printable and of 1 to 256 characters.

    `roles` are local names, sorted and unique. `issuer` is the name that identity.yaml gives the issuer.
    `token_id` is the token's `jti`; None for a token without one, which cannot be revoked. `expires_at` is in whole
    seconds since 1970. `amr` and `acr` say how the person signed in (RFC 8176, OpenID Connect Core §2).
    """

    subject: str
    roles: tuple[str, ...]
    issuer: str
    tenant: str | None
    client_id: str | None
    scope: tuple[str, ...]
    token_id: str | None
    expires_at: int
    amr: tuple[str, ...]
    acr: str | None

    @property
    def subjects(self) -> tuple[str, ...]:
        """What policy decides over: `user:<sub>`, then one `role:<name>` for each role.

        A token that a client got for itself carries the client id as `sub`, so the client `report-bot` is
        `user:report-bot`. A person whose `sub` is `role:admin` is `user:role:admin` and gains nothing.
        """
        return (f"user:{self.subject}", *(f"role:{role}" for role in self.roles))
