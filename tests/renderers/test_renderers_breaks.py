"""Class breaks: equal intervals, quantiles, natural breaks; the latter against all partitions there are."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers import ClassifiedRenderer, Distribution, class_breaks
from geojobs_lab.renderers import breaks as module


def breaks(values, method, classes, **options):
    return class_breaks(Distribution.of(values, **options), method, classes)


def cost(values, limits):
    """Return the sum of squared distances from the means of right-closed classes."""
    rows = np.searchsorted(limits, values)
    return sum(((group - group.mean()) ** 2).sum() for n in range(len(limits)) if (group := values[rows == n]).size)


def least_cost(values, classes):
    """Try all partitions."""
    distinct = np.unique(values)
    ends = (
        np.array([*chosen, distinct[-1]])
        for count in range(min(classes, len(distinct)))
        for chosen in itertools.combinations(distinct[:-1], count)
    )
    return min(cost(values, limits) for limits in ends)


def test_equal_intervals():
    assert breaks([0, 3, 10], "equal", 4) == [2.5, 5, 7.5, 10]
    assert breaks([-1, 1], "equal", 1) == [1]


def test_quantiles_hold_as_many_values_each():
    assert breaks(range(1, 13), "quantile", 4) == [3, 6, 9, 12]
    assert breaks(range(1, 11), "quantile", 4) == [3, 5, 8, 10]  # 2.5, 5, 7.5 and 10 of ten, rounded up
    assert breaks([1, 1, 1, 1, 1, 1, 2, 9], "quantile", 4) == [1, 9]  # alike: fewer classes
    assert breaks([5, np.nan, 1, np.inf, -999], "quantile", 2, fill_value=-999) == [1, 5]


@pytest.mark.parametrize(
    ("values", "classes", "expected"),
    [
        ([1, 2, 3, 10, 11, 12, 30, 31], 3, [3, 12, 31]),
        ([4, 5, 9, 10], 2, [5, 10]),  # the example of Fisher's idea: {4, 5} and {9, 10}
        ([1, 2, 4, 5, 7, 9, 10, 20], 3, [5, 10, 20]),  # by hand: 10 + 4.67 + 0, the least of all 21
        ([7, 7, 7], 3, [7]),
        ([1, 2], 5, [1, 2]),
        ([0, 0, 0, 0, 1, 100], 2, [1, 100]),
    ],
)
def test_natural_breaks_by_hand(values, classes, expected):
    assert breaks(values, "jenks", classes) == expected
    assert cost(np.array(values, float), expected) == pytest.approx(least_cost(np.array(values, float), classes))


@given(
    st.lists(st.integers(-20, 20) | st.floats(-1e6, 1e6), min_size=1, max_size=11),
    st.integers(1, 5),
)
def test_natural_breaks_are_the_best_of_all_partitions(values, classes):
    values = np.array(values, float)
    found = breaks(values, "jenks", classes)
    assert found[-1] == values.max()
    assert set(found) <= set(values.tolist())
    assert 1 <= len(found) <= classes
    assert cost(values, found) <= least_cost(values, classes) * (1 + 1e-9) + 1e-9 * np.abs(values).max() ** 2


@pytest.mark.parametrize("seed", range(5))
def test_natural_breaks_of_many_values_are_those_of_the_plain_recursion(seed):
    values = np.random.default_rng(seed).gamma(0.7, 10, 250).round(1)
    distinct, weights = np.unique(values, return_counts=True)
    n, classes = len(distinct), 6
    within = np.array([[cost(np.repeat(distinct[i:j], weights[i:j]), [np.inf]) if j > i else np.inf
                        for j in range(n + 1)] for i in range(n)])  # fmt: skip
    best = within[0]
    for _ in range(classes - 1):
        sums = [best[1:j] + within[1:j, j] for j in range(n + 1)]
        best = np.array([one.min() if one.size else within[0, j] for j, one in enumerate(sums)])
    assert cost(values, breaks(values, "jenks", classes)) == pytest.approx(best[n])


def test_natural_breaks_of_very_many_values_are_found_in_a_sample_that_is_always_the_same(monkeypatch):
    values = np.concatenate([np.random.default_rng(0).normal(place, 1, 4000) for place in (0, 20, 50)])
    whole = breaks(values, "jenks", 3)
    monkeypatch.setattr(module, "NATURAL_SAMPLE", 300)
    some = breaks(values, "jenks", 3)
    assert some == breaks(np.random.default_rng(1).permutation(values), "jenks", 3)
    assert some[-1] == whole[-1] == values.max()
    # the gaps between the three heaps are wide: both end a class within a heap's own end
    assert some == pytest.approx(whole, abs=2)
    assert cost(values, some) <= cost(values, whole) * 1.01


def test_the_greatest_value_is_in_the_last_class_though_the_sample_has_it_not():
    values = Distribution(9, 0.0, 50.0, 5.0, 1.0, 1.0, np.array([0.0, 1, 2, 10, 11]))
    assert class_breaks(values, "jenks", 2) == [2, 50]
    assert class_breaks(values, "quantile", 2) == [2, 50]


@pytest.mark.parametrize("method", ["equal", "quantile", "jenks"])
def test_huge_numbers_and_none_at_all_have_breaks(method):
    assert breaks([], method, 4) == breaks([np.nan], method, 4) == []
    assert breaks([-1e300, 0, 1e300], method, 3)[-1] == 1e300
    assert breaks([3.0], method, 4) == [3]
    renderer = ClassifiedRenderer.from_values([np.nan], method=method)
    assert renderer.indices(np.array([5.0, np.nan])).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("method", "classes", "part"),
    [
        ("natural", 5, "method is 'natural'"),
        (["jenks"], 5, "method is ['jenks']"),
        ("jenks", 33, "33 classes, not 1 to 32"),
        ("equal", 255, "255 classes, not 1 to 254"),
        ("equal", 0, "0 classes"),
        ("quantile", 2.5, "2.5 classes"),
        ("quantile", "5", "'5' in classes"),
    ],
)
def test_other_methods_and_numbers_are_refused(method, classes, part):
    with pytest.raises(RendererNotValid) as caught:
        breaks([1, 2], method, classes)
    assert part in str(caught.value)


def test_work_on_natural_breaks_ends_when_it_is_not_wanted():
    def check():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        class_breaks(Distribution.of(np.arange(100.0)), "jenks", 5, check=check)


@given(
    st.lists(st.floats(-1e5, 1e5, width=32), min_size=1, max_size=60),
    st.sampled_from(["equal", "quantile", "jenks"]),
    st.integers(1, 9),
)
def test_classes_are_closed_on_the_right_and_leave_nothing_out(values, method, classes):
    array = np.array(values, np.float32)
    renderer = ClassifiedRenderer.from_values(array, classes, method)
    limits = [value for value, _ in renderer.colors]
    rows = renderer.indices(array)
    assert rows.tolist() == (np.searchsorted(np.array(limits, np.float32), array) + 1).tolist()
    assert rows.min() >= 1
    assert rows.max() == len(limits)  # the greatest value is in the last class, not in the background
    assert len(limits) <= classes
