"""The document of a service: what the catalogue knows of it, what its file says, and the URLs below it."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from geojobs_lab.documents import format_time
from geojobs_lab_server.links import Links

if TYPE_CHECKING:
    from geojobs_lab.services import Service, ServiceCatalogue


def version_of(service: "Service") -> str:
    """Return a short text that changes whenever the service does: the ``v`` of its tile URLs."""
    # A name can be given anew, and its revision begins anew then: the time of publication tells them apart.
    key = f"{format_time(service.created)} {service.revision} {service.state}"
    return blake2b(key.encode(), digest_size=6).hexdigest()


def service_document(service: "Service", catalogue: "ServiceCatalogue", links: Links) -> dict[str, Any]:
    """Return all that ``services/<name>/`` tells."""
    expires = catalogue.expires(service)
    info = service.info or {}
    url = links.service(service.name)
    return {
        "name": service.name,
        "state": service.state,
        "reason": service.reason,
        "title": service.title,
        "description": service.description,
        "temporary": service.temporary,
        "configured": service.configured,
        "created": format_time(service.created),
        "expires": format_time(expires) if expires is not None else None,
        "job": service.job,
        "crs": info.get("crs"),
        "extent": info.get("extent"),
        "lonlat_bounds": info.get("lonlat_bounds"),
        "variables": [_variable(variable, service, links) for variable in info.get("variables", ())],
        "skipped": info.get("skipped", {}),
        "url": url,
        "urls": {"download": f"{url}download/?format=nc"},
    }


def listed_document(service: "Service", catalogue: "ServiceCatalogue", links: Links) -> dict[str, Any]:
    """Return what the list tells: the document without the stops of the time axes, which can be very many."""
    document = service_document(service, catalogue, links)
    for variable in document["variables"]:
        if variable.get("time"):
            variable["time"] = {key: value for key, value in variable["time"].items() if key != "stops"}
    return document


def _variable(info: Mapping[str, Any], service: "Service", links: Links) -> dict[str, Any]:
    url = links.variable(service.name, info["name"])
    return {
        **info,
        # null: a stretch over the range of the values, see the legend
        "renderer": service.renderers.get(info["name"]),
        "urls": {
            "tilejson": f"{url}tilejson.json",
            "tiles": tile_template(links, service, info["name"]),
            "legend": f"{url}legend.json",
            "legend_png": f"{url}legend.png",
            "legend_svg": f"{url}legend.svg",
            "value": f"{url}value/",
            "series": f"{url}series/",
            "statistics": f"{url}statistics/",
            "classify": f"{url}classify/",
            "unique": f"{url}unique/",
        },
    }


def tile_template(links: Links, service: "Service", variable: str) -> str:
    """Return the URL of the tiles with ``{z}``, ``{x}`` and ``{y}`` in it."""
    return f"{links.variable(service.name, variable)}tiles/{{z}}/{{x}}/{{y}}.png?v={version_of(service)}"
