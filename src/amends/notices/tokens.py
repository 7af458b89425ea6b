"""The secret in a customer's link: signed, an id and nothing else."""

from __future__ import annotations

from datetime import timedelta

from django.core import signing

SALT = "amends.yours"
ANSWERABLE = timedelta(days=180)


class BadToken(ValueError):
    """The link is not one of ours, or was cut off on its way."""


class Expired(ValueError):
    """The link may still be read, but no longer answered."""


def make(recovery_id: str) -> str:
    return signing.TimestampSigner(salt=SALT).sign(recovery_id).replace(":", "~")


def read(token: str, *, to_answer: bool = False) -> str:
    """The recovery a link is for; BadToken when it is not ours, Expired when it is too old to answer."""
    signer = signing.TimestampSigner(salt=SALT)
    try:
        return str(signer.unsign(token.replace("~", ":"), max_age=ANSWERABLE if to_answer else None))
    except signing.SignatureExpired as error:
        raise Expired("this link is more than 180 days old; write to us instead") from error
    except signing.BadSignature as error:
        raise BadToken("this link is not complete; use the whole link from the mail") from error
