"""What a layer of a map is called."""

from types import SimpleNamespace
from typing import Any

import pytest

from geojobs_lab.widgets.layers import ResultLayer


def title(variable: dict[str, Any], **document: Any) -> str:
    service: Any = SimpleNamespace(document=document, name="service")
    return ResultLayer(service, {"name": "data", **variable}, {}).title


@pytest.mark.parametrize(
    ("variable", "called"),
    [
        ({"long_name": "sea-ice area"}, "Sea-ice area"),
        ({"long_name": "temperature (2 m)"}, "Temperature (2 m)"),
        ({"long_name": "surface temperature"}, "Surface temperature"),
        ({"standard_name": "air_temperature"}, "Air temperature"),
        ({"name": "tas"}, "Tas"),
        ({"long_name": "x - 273.15"}, "x - 273.15"),
        ({"long_name": "where(x > 20, 3, 1)"}, "where(x > 20, 3, 1)"),
        ({"long_name": "x[-1] / 2"}, "x[-1] / 2"),
        ({"long_name": "x-y"}, "x-y"),
        ({"long_name": "u-component of wind"}, "u-component of wind"),
    ],
)
def test_words_begin_with_a_capital_and_formulas_stay_as_they_are(variable: dict[str, Any], called: str) -> None:
    assert title(variable) == called


def test_a_job_s_result_is_called_as_its_service() -> None:
    variable = {"long_name": "where(x > 20, 3, 1)"}
    assert title(variable, title="Zones of 2050", job="u-1") == "Zones of 2050"
    assert title(variable, title="A file", job=None) == "where(x > 20, 3, 1)"
    assert title({"name": "warm", "long_name": "Warm"}, title="A data set", job="u-1") == "Warm"
