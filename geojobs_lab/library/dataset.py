"""Files as datasets, and single rasters out of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geojobs_lab.errors import RunError
from geojobs_lab.parameters import NdArrayParameter, RasterDatasetParameter, StringParameter
from geojobs_lab.tasks import Task

if TYPE_CHECKING:
    import xarray as xr


class LoadDataset(Task):
    """Open a NetCDF file: its rasters, and what has no place on the Earth; values are read when they are needed."""

    name = "raster:load_dataset"
    title = "Load a raster dataset"
    exposed = False  # whoever may send a path could read any file of the server
    inputs = (StringParameter("path", title="Path", description="Of a file that the server can read."),)
    outputs = (RasterDatasetParameter("dataset_out", description="The variables of the file."),)

    def execute(self, *, path: str) -> xr.Dataset:
        """Open the file."""
        from geojobs_lab.rasters.opening import open_raster_dataset

        return open_raster_dataset(path, unplaced=True)


class ArrayFromDataset(Task):
    """Take one variable out of a raster dataset."""

    name = "raster:array_from_dataset"
    title = "Array from a dataset"
    inputs = (
        RasterDatasetParameter("dataset", title="Dataset", description="Rasters that belong together."),
        StringParameter("variable", title="Variable", description="The name of a variable of the dataset."),
    )
    outputs = (NdArrayParameter("array_out", description="The variable, a raster where it has a place."),)

    def execute(self, *, dataset: xr.Dataset, variable: str) -> xr.DataArray:
        """Return the variable, still lazy, with the coordinate that holds its CRS."""
        if variable not in dataset.variables:
            names = ", ".join(sorted(map(repr, dataset.data_vars))) or "none"
            raise RunError(f"variable: the dataset has no variable {variable!r}; it has {names}")
        array: Any = dataset[variable]
        mapping = array.encoding.get("grid_mapping", array.attrs.get("grid_mapping"))
        others = [name for name, found in array.coords.items() if _holds_crs(found) and name != mapping]
        raster: xr.DataArray = array.drop_vars(others if mapping in dataset.variables else [])
        return raster.assign_coords({mapping: dataset[mapping]}) if mapping in dataset.data_vars else raster


def _holds_crs(coordinate: xr.DataArray) -> bool:
    return not coordinate.ndim and bool({"grid_mapping_name", "crs_wkt"} & coordinate.attrs.keys())


load_dataset = LoadDataset()
array_from_dataset = ArrayFromDataset()
