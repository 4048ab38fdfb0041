"""A GitHub that others wrote (npm `emulate`): without GraphQL, it shows that the REST path works."""

from tests.emulate.standin import OWNER, StandIn, serving

__all__ = ["OWNER", "StandIn", "serving"]
