"""The colour bar of a map under a stretch has its ticks where the colours are."""

import numpy as np
import pytest
import xarray as xr

from geojobs_lab.plots import map_figure
from geojobs_lab.renderers import StretchedRenderer


@pytest.mark.parametrize(("stretch", "middle"), [("linear", 50.5), ("log", 10), ("sqrt", 25.75)])
def test_a_color_bar_follows_the_stretch(stretch, middle):
    raster = xr.DataArray(
        np.linspace(1, 100, 12).reshape(3, 4),
        {
            "lat": ("lat", [10.0, 0, -10], {"units": "degrees_north"}),
            "lon": ("lon", [0.0, 10, 20, 30], {"units": "degrees_east"}),
        },
    )
    renderer = StretchedRenderer.from_colormap("viridis", 1, 100, stretch=stretch)
    figure = map_figure(raster, renderer=renderer)
    figure.draw_without_rendering()
    bar = figure.axes[1]
    left, right = bar.get_window_extent().get_points()[:, 0]
    shown = bar.transData.transform([(middle, 0)])[0, 0]
    assert (shown - left) / (right - left) == pytest.approx(0.5)
    labels = {entry["label"] for entry in renderer.legend()["entries"]}
    ticks = [text.get_text() for text in bar.get_xticklabels()]
    assert len(ticks) > 3
    assert set(ticks) <= labels
