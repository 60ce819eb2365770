import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geojobs_lab.colors import Color
from geojobs_lab.errors import RendererNotValid

channels = st.integers(0, 255)


@given(channels, channels, channels, channels)
def test_the_hexadecimal_text_reads_back_to_the_same_color(red, green, blue, alpha):
    color = Color(red, green, blue, alpha)
    assert Color.from_hex(color.to_hex()) == color


def test_alpha_is_opaque_unless_given_and_is_written_only_when_it_is_not():
    assert Color(255, 128, 0).alpha == 255
    assert Color(255, 128, 0).to_hex() == "#ff8000"
    assert Color(255, 128, 0, 16).to_hex() == "#ff800010"


def test_short_and_upper_case_texts_are_read():
    assert Color.from_hex("#F80") == Color(255, 136, 0)
    assert Color.from_hex("#FF8000") == Color(255, 128, 0)
    assert Color.from_hex("#0000ff80") == Color(0, 0, 255, 128)


@pytest.mark.parametrize(
    "text", ["", "red", "ff0000", "#ff", "#ff00", "#ff000", "#gg0000", "#ff0000 ", "#ff00001", 7, None]
)
def test_other_texts_are_refused_with_the_text_in_the_message(text):
    with pytest.raises(RendererNotValid) as caught:
        Color.from_hex(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("value", [-1, 256, 1.0, "1", None, True])
def test_channels_that_are_no_whole_numbers_from_0_to_255_are_refused_by_name(value):
    with pytest.raises(RendererNotValid, match="green") as caught:
        Color(0, value, 0)
    assert repr(value) in str(caught.value)
    assert caught.value.field == "renderer"


def test_numpy_integers_become_plain_ones():
    assert type(Color(np.uint8(3), 0, 0).red) is int


def test_a_color_cannot_be_changed():
    with pytest.raises(AttributeError):
        Color(0, 0, 0).red = 1


def test_colors_need_nothing_beyond_the_standard_library():
    code = "import sys, geojobs_lab.colors; print(sorted({'numpy', 'matplotlib', 'xarray'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
