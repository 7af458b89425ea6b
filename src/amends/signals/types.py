"""What each type of signal must hold. Unknown further fields are kept; wrong ones are named."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Union

import msgspec

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Text = Annotated[str, msgspec.Meta(max_length=20_000)]
Name = Annotated[str, msgspec.Meta(max_length=400)]
Minor = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Currency = Annotated[str, msgspec.Meta(min_length=3, max_length=3)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Product = Literal["rental", "purchase", "subscription", "free"]


class CustomerUpserted(msgspec.Struct):
    customer_id: Id
    name: Name | None = None
    email: Name | None = None
    phone: Annotated[str, msgspec.Meta(max_length=60)] | None = None
    locale: Annotated[str, msgspec.Meta(max_length=20)] | None = None
    time_zone: Annotated[str, msgspec.Meta(max_length=60)] | None = None
    segment: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    since: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}")] | None = None
    contact: dict[str, bool] | None = None


class PlaybackStarted(msgspec.Struct):
    session_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    customer_id: Id
    title: Name
    product: Product
    order_id: Id | None = None
    price_minor: Minor | None = None
    currency: Currency | None = None
    payment_ref: Id | None = None


class FailureObserved(msgspec.Struct):
    customer_id: Id
    promise: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    started_at: Moment
    ended_at: Moment | None = None
    facts: dict[str, Any] | None = None
    severity: Literal["minor", "major", "severe"] | None = None
    controllable: bool | None = None
    stable_cause: bool | None = None
    loss_kind: Literal["money", "outcome", "process", "attention"] | None = None
    used_anyway: bool | None = None
    evidence: Literal["observed", "corroborated", "claimed_with_proof", "claimed with proof", "claimed"] | None = None
    incident: Id | None = None
    price_minor: Minor | None = None
    currency: Currency | None = None
    payment_ref: Id | None = None


class CustomerServed(msgspec.Struct):
    """Which part of the network or service a customer depends on; what an outage that names no customers looks up."""

    customer_id: Id
    component: Id
    area: Name | None = None
    customer_class: Literal["home", "business"] | None = None
    price_minor: Minor | None = None
    currency: Currency | None = None
    payment_ref: Id | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None


class OutageStarted(msgspec.Struct):
    component: Id
    area: Name | None = None
    customers: list[Id] | None = None
    cause: Text | None = None
    weather: Name | None = None
    promise: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None


class Order(msgspec.Struct):
    order_id: Id
    customer_id: Id
    items: list[Any]
    promised_on: Day | None = None


class ComplaintReceived(msgspec.Struct):
    text: Text
    channel: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    received_at: Moment
    customer_id: Id | None = None
    category: Name | None = None
    area: Name | None = None


class OutcomeObserved(msgspec.Struct):
    customer_id: Id
    kind: Literal["stayed", "left", "spent", "contacted", "csat", "ces", "nps"]
    value: float | bool
    at: Moment


TYPES: dict[str, Any] = {
    "com.amends.customer.upserted": CustomerUpserted,
    "com.amends.customer.served": CustomerServed,
    "com.amends.playback.started": PlaybackStarted,
    "com.amends.failure.observed": FailureObserved,
    "com.amends.outage.started": OutageStarted,
    "com.amends.outage.ended": OutageStarted,
    "com.amends.order.placed": Order,
    "com.amends.order.shipped": Order,
    "com.amends.order.delivered": Order,
    "com.amends.order.returned": Order,
    "com.amends.complaint.received": ComplaintReceived,
    "com.amends.outcome.observed": OutcomeObserved,
}
TELEMETRY = "com.amends.playback."  # many and harmless when repeated: told apart after the answer, not before
MOMENTS = ("started_at", "ended_at", "received_at", "at")


def _envelope(name: str, shape: Any) -> Any:
    """CloudEvents 1.0 around one type of data; the type's name chooses the shape, so one pass reads and checks all."""
    key = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    fields: list[Any] = [
        ("id", key),
        ("source", key),
        ("specversion", Literal["1.0"]),
        ("data", shape),
        ("time", Moment | None, None),
    ]
    return msgspec.defstruct(shape.__name__ + "Event", fields, tag_field="type", tag=name, gc=False)


ENVELOPES = [_envelope(name, shape) for name, shape in TYPES.items()]
ANY_EVENT: Any = Union[tuple(ENVELOPES)]  # noqa: UP007 - made from a list
ONE = msgspec.json.Decoder(ANY_EVENT)
MANY = msgspec.json.Decoder(list[ANY_EVENT])
RAW_LIST = msgspec.json.Decoder(list[msgspec.Raw])
