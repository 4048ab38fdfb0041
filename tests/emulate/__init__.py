"""A GitHub that others wrote (npm `emulate`), without GraphQL: the REST path shows on it."""

from tests.emulate.standin import OWNER, StandIn, serving

__all__ = ["OWNER", "StandIn", "serving"]
