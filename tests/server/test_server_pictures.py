"""Pictures over HTTP: boxes in any CRS, resampling, and what is told of a request that cannot be drawn."""

import io
import shutil
import time
from pathlib import Path
from typing import Any

import httpx
import netCDF4
import numpy as np
import pytest
from PIL import Image
from pyproj import Transformer

TEMPERATURE = "services/world/variables/temperature"
WORLD = {"bbox": "-180,-90,180,90", "width": 180, "height": 90}


def picture(answer: httpx.Response) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "image/png"
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGBA"))


def image(api: httpx.Client, **query: Any) -> np.ndarray:
    return picture(api.get(f"{TEMPERATURE}/image.png", params={**WORLD, **query}))


def test_an_image_has_a_pixel_for_each_cell_in_longitude_and_latitude(api: httpx.Client) -> None:
    drawn = image(api)
    assert drawn.shape == (90, 180, 4)
    assert (drawn[75:, :, 3] == 0).all()  # there is nothing south of 60 S
    assert (drawn[:75, :, 3] == 255).all()
    assert (drawn == drawn[:, :1]).all()
    assert len(np.unique(drawn[:75, 0, :3], axis=0)) > 40


@pytest.mark.parametrize("crs", ["EPSG:4326", "CRS84", "OGC:CRS84", "epsg:4326"])
def test_longitude_comes_first_whatever_the_authority_says(api: httpx.Client, crs: str) -> None:
    assert (image(api, crs=crs) == image(api)).all()


def test_an_image_in_another_crs_shows_the_cells_that_lie_there(api: httpx.Client) -> None:
    box = (-3_000_000, -3_000_000, 3_000_000, 3_000_000)
    drawn = image(api, bbox=",".join(map(str, box)), crs="EPSG:3413", width=120, height=120)
    whole = image(api)
    east = box[0] + 50_000 * (np.arange(120) + 0.5)
    lon, lat = Transformer.from_crs(3413, 4326, always_xy=True).transform(*np.meshgrid(east, east[::-1]))
    rows, cols = (90 - lat) / 2, (lon + 180) / 2
    clear = (np.abs(rows - np.rint(rows)) > 0.05) & (np.abs(cols - np.rint(cols)) > 0.05)
    assert (drawn == whole[rows.astype(int), cols.astype(int)])[clear].all()


def test_an_image_of_a_tiles_box_is_the_tile(api: httpx.Client) -> None:
    half = 20037508.342789244
    box = f"{-half},{0},{0},{half}"
    drawn = image(api, bbox=box, crs="EPSG:3857", width=256, height=256)
    assert (drawn == picture(api.get(f"{TEMPERATURE}/tiles/1/0/0.png"))).all()


def test_an_image_across_the_date_line_has_no_gap(api: httpx.Client) -> None:
    drawn = image(api, bbox="170,0,190,10", width=100, height=50)
    assert (drawn[..., 3] == 255).all()


def test_an_image_takes_time_dimensions_and_renderer_as_tiles_do(api: httpx.Client) -> None:
    first, later = image(api), image(api, **{"time.index": 2})
    assert not (first == later).all()
    wind = "services/world/variables/wind"
    levels = [
        api.get(f"{wind}/image.png", params={**WORLD, "level": level, "time.index": 1}).content for level in (1000, 500)
    ]
    assert levels[0] != levels[1]
    red = '{"type": "stretched", "colors": [[-100, "#ff0000"], [300, "#ff0000"]]}'
    assert (image(api, renderer=red)[0, 0] == [255, 0, 0, 255]).all()


def test_bilinear_has_values_between_those_of_the_cells(api: httpx.Client) -> None:
    box = {"bbox": "0,0,4,8", "width": 40, "height": 80}
    nearest, bilinear = image(api, **box), image(api, **box, resampling="bilinear")
    assert len(np.unique(nearest[:, 0, :3], axis=0)) == 4
    assert len(np.unique(bilinear[:, 0, :3], axis=0)) > 4
    tiles = [
        picture(api.get(f"{TEMPERATURE}/tiles/5/16/15.png", params={"resampling": way})) for way in ("", "bilinear")
    ]
    assert not (tiles[0] == tiles[1]).all()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"bbox": ""}, "bbox"),
        ({"bbox": "1,2,3"}, "bbox"),
        ({"bbox": "1,2,3,x"}, "bbox"),
        ({"bbox": "1,2,nan,4"}, "bbox"),
        ({"bbox": "10,2,3,4"}, "bbox"),
        ({"bbox": "1,2,1,4"}, "bbox"),
        ({"width": ""}, "width"),
        ({"width": 0}, "width"),
        ({"width": -5}, "width"),
        ({"height": 8193}, "height"),
        ({"height": "1e3"}, "height"),
        ({"width": 8000, "height": 8000}, "width"),
        ({"crs": "EPSG:999999"}, "crs"),
        ({"crs": "nonsense"}, "crs"),
        ({"crs": "EPSG:5773"}, "crs"),  # heights
        ({"crs": "IAU_2015:30100"}, "crs"),  # the Moon
        ({"crs": "x\0y"}, "crs"),
        ({"resampling": "cubic"}, "resampling"),
        ({"depth": 5}, "depth"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(api: httpx.Client, query: dict[str, Any], field: str) -> None:
    answer = api.get(f"{TEMPERATURE}/image.png", params={**WORLD, **query})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    assert field in answer.json()["message"]


def test_a_tile_is_not_resampled_in_a_way_that_there_is_not(api: httpx.Client) -> None:
    answer = api.get(f"{TEMPERATURE}/tiles/0/0/0.png", params={"resampling": "cubic"})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["resampling"])


def test_an_image_that_the_client_has_is_not_sent_again(api: httpx.Client) -> None:
    first = api.get(f"{TEMPERATURE}/image.png", params=WORLD)
    known = {"If-None-Match": first.headers["ETag"]}
    assert api.get(f"{TEMPERATURE}/image.png", params=WORLD, headers=known).status_code == 304
    for other in ({"width": 181}, {"crs": "EPSG:3857"}, {"resampling": "bilinear"}, {"time.index": 1}):
        assert api.get(f"{TEMPERATURE}/image.png", params={**WORLD, **other}, headers=known).status_code == 200


def test_a_file_that_is_written_anew_has_other_pictures(api: httpx.Client, world: Path, published_dir: Path) -> None:
    path = published_dir / "anew.nc"
    shutil.copy(world, path)
    assert api.post("services/", json={"name": "anew", "path": str(path)}).status_code == 201
    url = "services/anew/variables/temperature/image.png"
    red = '{"type": "stretched", "colors": [[0, "#ff0000"], [300, "#0000ff"]]}'
    first = api.get(url, params={**WORLD, "renderer": red, "time.index": 0})
    other = published_dir / "other.nc"
    shutil.copy(world, other)
    with netCDF4.Dataset(other, "a") as file:
        file["temperature"][:] = 300
    other.replace(path)
    end = time.monotonic() + 10
    while True:
        again = api.get(
            url, params={**WORLD, "renderer": red, "time.index": 0}, headers={"If-None-Match": first.headers["ETag"]}
        )
        if again.status_code == 200:
            break
        assert time.monotonic() < end
        time.sleep(0.1)
    assert (picture(again)[0, 0] == [0, 0, 255, 255]).all()
    api.delete("services/anew/")
