"""What a connector's author needs: the contract that every connector must pass, and outside systems in miniature."""

import pytest

pytest.register_assert_rewrite("amends.testing.contract")

from amends.testing.contract import ConnectorContract  # noqa: E402
from amends.testing.standin import FAULTS, StandIn, StandInReply, StandInRequest  # noqa: E402

__all__ = ["FAULTS", "ConnectorContract", "StandIn", "StandInReply", "StandInRequest"]
