"""Make the coastline file of `geojobs_lab.plots` from the Natural Earth data of the npm package world-atlas.

Natural Earth is in the public domain; world-atlas (ISC licence) carries it as TopoJSON, whose arcs are shared
between neighbours: an arc used by two countries is a border, one used by one country is a coast.

Usage: `npm pack world-atlas@2.0.2 && tar xf world-atlas-2.0.2.tgz`, then
`python .ci/make_coastlines.py package/countries-50m.json geojobs_lab/plots/coastlines.npz`.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import shapely

TOLERANCE = 0.01  # degrees, about 1 km: less than a pixel of any picture that shows a country
UNIT = 0.002  # degrees; 180 / UNIT fits 17 bits, differences between neighbours mostly 8


def arcs_of(topology: dict) -> list[np.ndarray]:
    """Return the arcs, each (n, 2) of longitude and latitude in degrees."""
    scale, translate = (np.array(topology["transform"][key]) for key in ("scale", "translate"))
    return [np.cumsum(arc, axis=0) * scale + translate for arc in topology["arcs"]]


def rings(geometry: dict) -> Iterator[list[int]]:
    """Yield each ring of a polygon or multipolygon as the numbers of its arcs."""
    polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
    for polygon in polygons:
        for ring in polygon:
            yield [arc if arc >= 0 else ~arc for arc in ring]


def without_seams(line: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the parts of a line that are not a cut of the map: the antimeridian, and the south pole.

    World-atlas has stitched the cut polygons, so that a line may leap from 180 to -180.
    """
    on_seam = (np.abs(line[:, 0]) > 179.99) | (line[:, 1] < -89.9)
    leaps = np.abs(np.diff(line[:, 0])) > 180
    cut = (on_seam[:-1] & on_seam[1:]) | leaps
    for start, stop in pairwise([0, *(np.flatnonzero(cut) + 1), len(line)]):
        if stop - start > 1:
            yield line[start:stop]


def joined(lines: list[np.ndarray]) -> list[np.ndarray]:
    """Join lines that meet end to end, and simplify them."""
    merged = shapely.line_merge(shapely.multilinestrings([shapely.linestrings(line) for line in lines]))
    simple = shapely.simplify(shapely.get_parts(merged), TOLERANCE)
    return [shapely.get_coordinates(line) for line in simple]


def packed(lines: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return all points as whole units, (n, 2), differences from the one before, and each line's length."""
    points = np.concatenate([np.rint(line / UNIT).astype(np.int32) for line in lines])
    return np.diff(points, axis=0, prepend=np.zeros((1, 2), np.int32)), np.array([len(line) for line in lines])


def main(source: str, target: str) -> None:
    """Read TopoJSON, write the packed lines."""
    topology = json.loads(Path(source).read_text())
    arcs = arcs_of(topology)
    users = Counter(
        arc
        for country in topology["objects"]["countries"]["geometries"]
        for arc in {arc for ring in rings(country) for arc in ring}
    )
    kinds: dict[str, list[np.ndarray]] = {"coastlines": [], "borders": []}
    for arc, count in users.items():
        kinds["borders" if count > 1 else "coastlines"].extend(without_seams(arcs[arc]))
    arrays = {"unit": np.array(UNIT)}
    for kind, lines in kinds.items():
        arrays[f"{kind}_points"], arrays[f"{kind}_lengths"] = packed(joined(lines))
    np.savez_compressed(target, allow_pickle=False, **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
