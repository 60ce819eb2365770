"""Draw ``docs/gallery.png``: ``python docs/make_gallery.py``. Each kind of grid, stretch and renderer under coastlines.

Pictures are those that the server's ``image.png`` sends, asked for in a CRS that is not the data's; the coastlines are
drawn over them from their own longitudes and latitudes. Where they do not meet, something is out of place.
"""

import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import iris_sample_data
import netCDF4
import numpy as np
from affine import Affine
from gallery_rasters import land_field, layouts, write
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from PIL import Image
from pyproj import CRS

from geojobs_lab.plots.coastlines import coastlines
from geojobs_lab.plots.geography import map_lines
from geojobs_lab.rasters import Grid, RasterFile
from geojobs_lab.renderers import ClassifiedRenderer, Color, Renderer, StretchedRenderer, UniqueRenderer, legend_png
from geojobs_lab.tiles import render_image

_SAMPLES = Path(iris_sample_data.path)
_COLUMNS = 4
_WIDTH, _MAP, _TITLE, _LEGEND = 3.6, 2.35, 0.42, 1.3  # inches of a panel
_DPI = 130
_LONLAT, _MERCATOR = "EPSG:4326", "EPSG:3857"
_WORLD = (-180.0, -90.0, 180.0, 90.0)

# In which CRS, and which box of it, a made grid is shown.
_VIEWS = {
    "Rotated pole": (_MERCATOR, (-3.0e6, 3.2e6, 5.6e6, 9.6e6)),
    "Polar stereographic": ("EPSG:3995", (-4.8e6, -4.4e6, 4.8e6, 4.4e6)),
    "Geostationary": (_LONLAT, (-76.0, -74.0, 76.0, 74.0)),
    "Albers, without its false origin": (_MERCATOR, (-1.44e7, 2.5e6, -7.0e6, 6.9e6)),
    "Lambert conformal": ("EPSG:3035", (1.4e6, 0.7e6, 7.4e6, 6.0e6)),
    "UTM 32": (_MERCATOR, (0.1e6, 6.9e6, 2.1e6, 8.9e6)),
    "Curvilinear: a swath": (_LONLAT, (-25.0, -40.0, 65.0, 75.0)),
}
_REAL = [  # title, file, variable, CRS and box
    ("Curvilinear: ORCA2, ocean", "orca2_votemper.nc", "votemper", _LONLAT, _WORLD),
    (
        "Curvilinear: NEMO, ocean",
        "NEMO/nemo_1m_20150101-20150201_grid-T.nc",
        "tos",
        "EPSG:3031",
        (-8e6, -8e6, 8e6, 8e6),
    ),
    ("Stereographic: radiances", "toa_brightness_stereographic.nc", "data", _LONLAT, (-110.0, 5.0, 60.0, 85.0)),
    ("Rotated pole: pressure", "rotated_pole.nc", "air_pressure_at_sea_level", _LONLAT, (-60.0, 15.0, 60.0, 75.0)),
    (
        "Latitude/longitude: a model",
        "A1B_north_america.nc",
        "air_temperature",
        _MERCATOR,
        (-1.5e7, 1.6e6, -4.8e6, 8.5e6),
    ),
]
_TOWNS = [  # longitude, latitude, about how dense: nothing that one should count on
    (-0.1, 51.5, 900), (2.3, 48.9, 950), (-3.7, 40.4, 600), (12.5, 41.9, 450), (13.4, 52.5, 500), (7.0, 51.4, 700),
    (37.6, 55.8, 900), (29.0, 41.0, 950), (30.3, 59.9, 500), (18.1, 59.3, 250), (23.7, 38.0, 450), (21.0, 52.2, 350),
    (-9.1, 38.7, 350), (19.0, 47.5, 300), (26.1, 44.4, 300), (9.2, 45.5, 600), (10.7, 59.9, 200), (30.5, 50.5, 400),
    (3.0, 36.7, 350), (-6.3, 53.3, 250), (24.9, 60.2, 200), (4.5, 51.9, 500), (-21.9, 64.1, 60), (2.2, 41.4, 450),
]  # fmt: skip


@dataclass(frozen=True)
class Panel:
    """A picture of one layer, and how it is asked for."""

    title: str
    file: Path
    variable: str
    renderer: Renderer
    crs: str
    box: tuple[float, float, float, float]
    legend: bool = False
    resampling: str = "nearest"


def grid_panels(folder: Path) -> Iterator[Panel]:
    """Yield a panel for each kind of grid."""
    ramp = StretchedRenderer.from_colormap("viridis", -15, 30)
    for number, (title, layout) in enumerate(layouts().items()):
        path = write(folder / f"grid{number}.nc", layout)
        crs, box = _VIEWS.get(title, (_LONLAT, _WORLD))
        yield Panel(title, path, "data", ramp, crs, box)
    for title, name, variable, crs, box in _REAL:
        path = _SAMPLES / name
        with RasterFile(path) as file:
            values = file.read(variable, file.variable(variable).select())
        yield Panel(title, path, variable, StretchedRenderer.from_percentiles(values, 2, 98, "viridis"), crs, box)


def style_panels(folder: Path) -> Iterator[Panel]:
    """Yield a panel for each stretch and renderer: a quantity with a long tail, and classes, on a grid of Europe."""
    path = folder / "styles.nc"
    values = _styled(path)
    view = _VIEWS["Lambert conformal"]
    grey = Color.from_hex("#9aa5b1")
    names = ["cold", "cool", "mild", "warm"]
    colors = [Color.from_hex(text) for text in ("#4477aa", "#66ccee", "#ccbb44", "#ee6677")]
    styles: list[tuple[str, Renderer]] = [
        ("Stretched, linear", StretchedRenderer.from_colormap("viridis", 0, 400)),
        ("Stretched, logarithmic", StretchedRenderer.from_colormap("viridis", 0.5, 1000, stretch="log")),
        ("Stretched, square root", StretchedRenderer.from_colormap("viridis", 0, 1000, stretch="sqrt")),
        ("Stretched, 2nd to 98th percentile", StretchedRenderer.from_percentiles(values, 2, 98, "viridis")),
        ("Stretched, two standard deviations", StretchedRenderer.from_standard_deviations(values, 2, "viridis")),
        ("Stretched, background and missing", _with_others(grey)),
        ("Classified, equal intervals", ClassifiedRenderer.from_values(values, 5, "equal", "cividis")),
        ("Classified, quantiles", ClassifiedRenderer.from_values(values, 5, "quantile", "cividis")),
        ("Classified, natural breaks (Jenks)", ClassifiedRenderer.from_values(values, 5, "jenks", "cividis")),
        ("Unique values", UniqueRenderer(list(enumerate(colors)), labels=names)),
        ("Unique values, background", UniqueRenderer(list(enumerate(colors))[:2], labels=names[:2], background=grey)),
    ]
    for title, renderer in styles:
        yield Panel(
            title, path, "zone" if isinstance(renderer, UniqueRenderer) else "density", renderer, *view, legend=True
        )
    yield Panel("Linear, resampling=bilinear", path, "density", styles[0][1], *view, legend=True, resampling="bilinear")


def _with_others(grey: Color) -> Renderer:
    return StretchedRenderer.from_colormap("viridis", 5, 100, background=Color.from_hex("#d55e00"), missing=grey)


def _styled(path: Path) -> np.ndarray:
    """Write a quantity with a long tail, and classes, and return the quantity."""
    layout = layouts()["Lambert conformal"]
    write(path, layout)
    lon, lat = layout.lonlat
    land = land_field(lon, lat)
    density = 60 * np.exp(-np.abs(lat - 48) / 7)
    for east, north, most in _TOWNS:
        away = np.hypot((lon - east) * np.cos(np.radians(lat)), lat - north)
        density += most * np.exp(-away / 0.6)
    density = density.astype(np.float32)
    density[np.isnan(land)] = np.nan
    zones = np.digitize(land, [0, 5, 10]).astype(np.int8)
    with netCDF4.Dataset(path, "a") as file:
        written = file.createVariable("density", "f4", ("y", "x"), fill_value=np.float32(np.nan))
        written.setncatts({"units": "km-2", "long_name": "Density", "grid_mapping": "crs"})
        written[:] = density
        coded = file.createVariable("zone", "i1", ("y", "x"), fill_value=np.int8(-1))
        coded.setncatts({"long_name": "Zone", "grid_mapping": "crs", "flag_values": np.arange(4, dtype=np.int8)})
        coded.flag_meanings = "cold cool mild warm"
        coded[:] = np.ma.masked_array(zones, np.isnan(land))
    return density


def draw(figure: Figure, panel: Panel, left: float, top: float) -> None:
    """Draw a panel whose upper left corner is so many inches from the figure's."""
    width, height = _WIDTH - 0.3, _MAP
    xmin, ymin, xmax, ymax = panel.box
    scale = min(width / (xmax - xmin), height / (ymax - ymin))
    size = (xmax - xmin) * scale, (ymax - ymin) * scale
    pixels = [round(side * _DPI) for side in size]
    with RasterFile(panel.file) as file:
        info = file.variable(panel.variable)
        png = render_image(
            file,
            panel.variable,
            info.select(),
            panel.renderer,
            panel.box,
            *pixels,
            crs=panel.crs,
            resampling=panel.resampling,
        )
    axes = _axes(figure, left + 0.15 + (width - size[0]) / 2, top + _TITLE + (height - size[1]) / 2, *size)
    axes.imshow(Image.open(io.BytesIO(png)).convert("RGBA"), extent=(xmin, xmax, ymin, ymax), aspect="auto")
    display = Grid(CRS(panel.crs), Affine((xmax - xmin), 0, xmin, 0, ymin - ymax, ymax), (1, 1))
    axes.add_collection(LineCollection(map_lines(coastlines(), display), colors="#000000", linewidths=0.6))
    axes.set(xlim=(xmin, xmax), ylim=(ymin, ymax), facecolor="#eef1f4", xticks=[], yticks=[])
    x, y = (left + 0.15) / figure.get_figwidth(), 1 - (top + 0.17) / figure.get_figheight()
    figure.text(x, y, panel.title, size=9.5, weight="bold", color="#1a1a1a")
    ny, nx = info.grid.shape
    note = panel.crs if not panel.legend else str(info.long_name)
    y -= 0.16 / figure.get_figheight()
    figure.text(x, y, f"{ny} x {nx} cells, shown in {note}" if not panel.legend else note, size=7.5, color="#444444")
    if panel.legend:
        _legend(figure, panel, info.units, left, top + _TITLE + _MAP + 0.05)


def _legend(figure: Figure, panel: Panel, units: str | None, left: float, top: float) -> None:
    picture = Image.open(io.BytesIO(legend_png(panel.renderer, None, units)))
    scale = min((_WIDTH - 0.3) / picture.width, (_LEGEND - 0.05) / picture.height)
    size = picture.width * scale, picture.height * scale
    axes = _axes(figure, left + 0.15, top, *size)
    axes.imshow(picture, aspect="auto", interpolation="lanczos")
    axes.axis("off")


def _axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    across, down = figure.get_size_inches()
    return figure.add_axes((left / across, 1 - (top + height) / down, width / across, height / down))


def main() -> None:
    """Draw all panels and write the picture."""
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # places off the Earth
        sections = [
            ("Kinds of grid", list(grid_panels(Path(folder))), _TITLE + _MAP + 0.1),
            ("Stretches and renderers", list(style_panels(Path(folder))), _TITLE + _MAP + _LEGEND + 0.1),
        ]
        height = 0.55 * len(sections) + sum(-(-len(panels) // _COLUMNS) * row for _, panels, row in sections)
        figure = Figure(figsize=(_COLUMNS * _WIDTH, height), dpi=_DPI, facecolor="white")
        top = 0.0
        for title, panels, row in sections:
            figure.text(0.15 / figure.get_figwidth(), 1 - (top + 0.38) / height, title, size=15, weight="bold")
            top += 0.55
            for number, panel in enumerate(panels):
                draw(figure, panel, number % _COLUMNS * _WIDTH, top + number // _COLUMNS * row)
            top += -(-len(panels) // _COLUMNS) * row
        figure.savefig(Path(__file__).with_name("gallery.png"), pil_kwargs={"optimize": True})


if __name__ == "__main__":
    main()
