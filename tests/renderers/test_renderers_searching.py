import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geojobs_lab.renderers import ClassifiedRenderer, Color, UniqueRenderer
from geojobs_lab.renderers.searching import Search

RED = Color(255, 0, 0)
EVEN = [0.1 * number for number in range(40)]


def around(limits):
    """Return the limits, their neighbours, and what lies between and beyond them."""
    limits = np.asarray(limits)
    beyond = [limits[:1] - 1, limits[-1:] + 1, (limits[:-1] + limits[1:]) / 2]
    if limits.dtype.kind == "f":
        beyond += [np.nextafter(limits, limits.dtype.type(end)) for end in (-np.inf, np.inf)]
        beyond += [np.array([-np.inf, np.inf])]
    return np.concatenate([limits, *beyond]).astype(limits.dtype)


LIMITS = {
    "even float64": np.array(EVEN),
    "even float32": np.array(EVEN, np.float32),
    "even float16": np.array(EVEN, np.float16),
    "whole": np.arange(-100, 154),
    "bytes": np.arange(0, 250, 5, dtype=np.uint8),
    "large whole": 2**53 + np.arange(0, 60),
    "infinite": np.array([*EVEN, np.inf]),
    "both infinite": np.array([-np.inf, *EVEN, np.inf]),
    "close": np.array([1 + 2**-52, 1 + 2**-51, 2, 3]),
    "uneven": np.logspace(-200, 200, 50),
    "huge": np.array([-1e300, 0, 1e300]),
    "tiny": np.arange(1, 30) * 5e-324,
    "beyond float32": np.array([-np.inf, 1, 2, np.inf], np.float32),
    "alone": np.array([3.5]),
    "none": np.array([]),
}


@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS.keys())
def test_the_search_agrees_with_that_of_numpy(limits):
    with np.errstate(over="ignore"):
        values = around(limits)
    search = Search(limits)
    assert search.exceeded(values).tolist() == np.searchsorted(limits, values).tolist()
    found = search.equal(values)
    inside = found < len(limits)
    assert limits[found[inside]].tolist() == values[inside].tolist()
    assert inside.tolist() == np.isin(values, limits).tolist()


FLOATS = st.floats(-1e300, 1e300)


@given(
    limits=st.lists(FLOATS | st.integers(-60, 60).map(lambda number: number / 8), min_size=1, max_size=60, unique=True),
    others=hnp.arrays(np.float64, 30, elements=st.floats(allow_nan=False)),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_the_search_agrees_with_that_of_numpy_whatever_the_limits(limits, others, dtype):
    with np.errstate(over="ignore"):
        rising = np.sort(limits).astype(dtype)
        values = np.concatenate([rising, others.astype(dtype)])
    assert Search(rising).exceeded(values).tolist() == np.searchsorted(rising, values).tolist()


def test_even_limits_are_found_by_their_buckets(monkeypatch):
    values = around(LIMITS["even float32"])
    expected = np.searchsorted(LIMITS["even float32"], values).tolist()
    monkeypatch.setattr(np, "searchsorted", None)
    assert Search(LIMITS["even float32"]).exceeded(values).tolist() == expected


@pytest.mark.parametrize("kind", [ClassifiedRenderer, UniqueRenderer])
@pytest.mark.parametrize("count", [3, 40])
@pytest.mark.parametrize("dtype", ["i1", "u1", "<i2", ">i2", ">u2", ">i4", ">f4"])
def test_any_layout_in_memory_is_read_alike(kind, count, dtype):
    renderer = kind([(2 * number, RED) for number in range(count)])
    values = np.arange(100).reshape(10, 10)
    if "u" not in dtype:
        values -= 10
    rows = renderer.indices(values.astype(dtype))
    assert (rows == renderer.indices(values.astype(float))).all()
    assert (renderer.indices(values.astype(dtype).T[::-1, ::3]) == rows.T[::-1, ::3]).all()


def test_of_values_that_are_one_in_float32_the_first_stands_for_all():
    near = [0.1, 0.1 + 1e-12, 0.1 + 2e-12]
    for more in (0, 40):
        renderer = UniqueRenderer([(value, RED) for value in [*near, *range(1, 1 + more)]])
        assert renderer.indices(np.array([0.1, 0.2], np.float32)).tolist() == [1, 4 + more]
        assert renderer.indices(np.array(near)).tolist() == [1, 2, 3]
