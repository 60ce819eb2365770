"""``python -m geojobs_lab.cli``, the same as ``geojobs``."""

import sys

from geojobs_lab.cli.main import main

sys.exit(main())
