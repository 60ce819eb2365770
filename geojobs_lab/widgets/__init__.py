"""What a notebook shows: a card for a job, a form for a registered one, live tables, results on a map.

The one room that knows ipywidgets, anywidget and ipyleaflet. Data comes from the server, asked by the browser itself;
the client reaches these classes by the entry points of the group ``geojobs_lab.displays``.
"""

from geojobs_lab.widgets.card import JobCard
from geojobs_lab.widgets.form import JobForm
from geojobs_lab.widgets.map import ResultMap
from geojobs_lab.widgets.swipe import SwipeMap
from geojobs_lab.widgets.tables import JobTable, ServiceTable

__all__ = ["JobCard", "JobForm", "JobTable", "ResultMap", "ServiceTable", "SwipeMap"]
