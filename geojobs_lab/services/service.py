"""What a published raster file is, as the catalogue keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

State = Literal["publishing", "ready", "unavailable"]


@dataclass(frozen=True, slots=True)
class Service:
    """A NetCDF file that is published under a name.

    Attributes
    ----------
    temporary : bool
        Goes, with its file, when it is too old.
    job : str or None
        The uuid of the job whose result it is.
    owned : bool
        The server wrote the file, and removes it with the service.
    configured : bool
        Named by the server's configuration, and so not to be changed through the API.
    renderers : Mapping
        Variable name -> JSON form of its renderer.
    info : Mapping or None
        What `RasterFile.describe` said; None until the file has been looked into.
    revision : int
        Grows with every change.
    """

    name: str
    path: Path
    title: str
    created: datetime
    description: str = ""
    temporary: bool = False
    job: str | None = None
    state: State = "ready"
    reason: str | None = None
    owned: bool = False
    configured: bool = False
    renderers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    info: Mapping[str, Any] | None = None
    revision: int = 1

    @property
    def variables(self) -> list[str]:
        """The names of the variables that can be drawn."""
        return [variable["name"] for variable in self.info["variables"]] if self.info else []
