import io
from dataclasses import dataclass
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from PIL import Image

from geojobs_lab.rasters import RasterFile
from geojobs_lab.renderers import StretchedRenderer
from geojobs_lab.tiles import render_tile

BASE = 255  # values of one layer; a cell's number is written in two digits


@dataclass(frozen=True)
class Numbered:
    """A raster file whose cells hold their own number, row by row, in two layers of digits."""

    path: Path
    ys: np.ndarray
    xs: np.ndarray

    def tile(self, z, x, y, scale=1):
        """Return the number of the cell in each pixel, -1 where there is none."""
        renderer = StretchedRenderer.from_range(0, BASE - 1)
        with RasterFile(self.path) as file:
            low, high = (
                np.asarray(Image.open(io.BytesIO(render_tile(file, name, {}, renderer, z, x, y, scale=scale))))
                for name in ("low", "high")
            )
        return np.where(low == 0, -1, (high.astype(int) - 1) * BASE + low - 1)


@pytest.fixture
def numbered(tmp_path):
    def make(ys, xs, *, grid_mapping=None, dims=("y", "x"), attributes=None):
        path = tmp_path / "numbered.nc"
        attributes = attributes or {
            "y": {"standard_name": "latitude", "units": "degrees_north"},
            "x": {"standard_name": "longitude", "units": "degrees_east"},
        }
        numbers = np.arange(len(ys) * len(xs)).reshape(len(ys), len(xs))
        assert numbers.max() < BASE**2
        with netCDF4.Dataset(path, "w") as file:
            for name, values in (("y", ys), ("x", xs)):
                file.createDimension(name, len(values))
                variable = file.createVariable(name, "f8", (name,))
                variable[:] = values
                variable.setncatts(attributes[name])
            if grid_mapping:
                file.createVariable("crs", "i4").setncatts(grid_mapping)
            for name, digits in (("low", numbers % BASE), ("high", numbers // BASE)):
                variable = file.createVariable(name, "f4", dims)
                variable[:] = digits if dims == ("y", "x") else digits.T
                if grid_mapping:
                    variable.grid_mapping = "crs"
        return Numbered(path, np.asarray(ys), np.asarray(xs))

    return make
