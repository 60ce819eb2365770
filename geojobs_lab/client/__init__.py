"""The Python client: finds the server, submits jobs over REST, follows them, and fetches what they made.

Light on purpose: importing it loads neither httpx nor numpy nor xarray; each comes with its first use.
"""

from geojobs_lab.client.client import Client
from geojobs_lab.client.job import Job
from geojobs_lab.client.registered import RegisteredJob
from geojobs_lab.client.services import Service
from geojobs_lab.client.tables import Listing
from geojobs_lab.client.values import RasterOutput

__all__ = ["Client", "Job", "Listing", "RasterOutput", "RegisteredJob", "Service"]
