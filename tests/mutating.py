"""Samples that are nearly right: what finds more than bytes drawn at random."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

STRANGE = (
    b"\0",
    b"\xff",
    b"\n",
    b"=",
    b"-1",
    b"9" * 30,
    b"\xed\xa0\x80",
    b"/../",
    b"\\",
    b"\x80" * 8,
)


@st.composite
def mutated(draw: st.DrawFn, samples: Sequence[bytes]) -> bytes:
    """Draw one of the samples with a few of its bytes changed, cut out, doubled or moved."""
    data = draw(st.sampled_from(samples))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from((0, 1, 2, 8, 64, 512))))
        piece, put = data[start:end], draw(st.sampled_from((0, 1, 2, 3, 4)))
        new = {
            0: b"",
            1: piece * 2,
            2: draw(st.binary(max_size=12)),
            3: draw(st.sampled_from(STRANGE)),
            4: bytes(len(piece)),
        }[put]
        data = data[:start] + new + data[end:]
    return data


@st.composite
def mixed(draw: st.DrawFn, samples: Sequence[bytes]) -> bytes:
    """Draw the beginning of one sample and the end of another, or of the same."""
    one, other = draw(st.sampled_from(samples)), draw(st.sampled_from(samples))
    return one[: draw(st.integers(0, len(one)))] + other[draw(st.integers(0, len(other))) :]


def nearly(samples: Sequence[bytes], *, most: int = 3000) -> st.SearchStrategy[bytes]:
    """Return what draws bytes of any kind: mostly ones that are nearly a sample."""
    return st.one_of(mutated(samples), mutated(samples), mixed(samples), st.binary(max_size=most))
