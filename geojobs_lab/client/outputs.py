"""The outputs of a job: which one is meant, and its value, fetched."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from geojobs_lab.client.files import read_result
from geojobs_lab.client.transport import Transport
from geojobs_lab.client.urls import quote_path
from geojobs_lab.client.values import RasterOutput, is_stored_array, rasters_in, read_outputs
from geojobs_lab.documents import JobDocument
from geojobs_lab.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np


class Outputs:
    """What a job has made, as its document tells it.

    Parameters
    ----------
    document : JobDocument
    transport : Transport
    """

    def __init__(self, document: JobDocument, transport: Transport) -> None:
        self._document = document
        self._transport = transport
        self._values = read_outputs(document)
        self._rasters = rasters_in(self._values)

    def fetch(self, name: str | None) -> Any:
        """Return the value of one output, rasters and arrays in memory; see `Job.result`."""
        if name in self._rasters:
            return read_result(self._transport, self._rasters[name], name)
        name = self._one(name)
        value = self._values[name]
        if isinstance(value, list) and f"{name}/0" in self._rasters:
            return [read_result(self._transport, item, name) for item in value]
        if isinstance(value, RasterOutput):
            return read_result(self._transport, value, name)
        return self._read_array(name) if is_stored_array(value) else value

    def raster(self, name: str | None) -> RasterOutput:
        """Return one output that is a raster; the only raster when none is named.

        Raises
        ------
        InvalidInput
            It is none, or several.
        """
        if name is None and len(self._rasters) == 1:
            (name,) = self._rasters
        if name in self._rasters:
            return self._rasters[name]
        name = self._one(name)
        value = self._values[name]
        if isinstance(value, RasterOutput):
            return value
        several = [key for key in self._rasters if key.startswith(f"{name}/")]
        what = f"is several rasters: name one of {', '.join(several)}" if several else "is no published raster"
        raise InvalidInput(f"name: output {name!r} of job {self._document.uuid} {what}", field="name", value=name)

    def _one(self, name: str | None) -> str:
        names = list(self._values)
        if name is None and len(names) == 1:
            return names[0]
        if name is None or name not in names:
            choices = ", ".join(names) or f"none: it is {self._document.status.value}"
            what = "name one" if name is None else f"{name!r} is not one"
            message = f"name: {what} of the outputs of job {self._document.uuid} ({choices})"
            raise InvalidInput(message, field="name", value=name)
        return name

    def _read_array(self, name: str) -> "np.ndarray":
        from tempfile import TemporaryDirectory

        import numpy as np

        uuid = self._document.uuid
        with TemporaryDirectory(prefix="geojobs-") as folder:
            file = Path(folder) / "result.npy"
            path = f"jobs/{quote_path(uuid)}/outputs/{str(self._values[name]['href']).rpartition('/')[2]}"
            self._transport.download(path, file, doing=f"downloading the output {name!r} of job {uuid}")
            array: np.ndarray = np.load(file, allow_pickle=False)
            return array
