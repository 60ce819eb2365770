"""Published rasters: the catalogue of services, and how a job's result becomes one.

The package itself is light; `publishing` and `references`, which load numpy and xarray, are imported by name.
"""

from geojobs_lab.services.catalogue import ServiceCatalogue
from geojobs_lab.services.cleanup import cleanup_temporary_services
from geojobs_lab.services.service import Service

__all__ = ["Service", "ServiceCatalogue", "cleanup_temporary_services"]
