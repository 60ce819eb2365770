"""ncdjango 1.5 in an environment of its own, and what its child modules need.

It pins what the rest of the benchmarks does not (Pillow below 11, one Python), so it never meets our packages. A child
module calls `set_up` before it imports anything of ncdjango.
"""

import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import children
from benchmarks.children import Ask, NotInstalled, answer

__all__ = ["VERSION", "Ask", "NotInstalled", "answer", "child", "interpreter", "set_up"]

VERSION = "1.5.0"


def interpreter() -> Path:
    """Return the Python that has ncdjango, as `children.interpreter` does."""
    return children.interpreter("ncdjango", [f"ncdjango=={VERSION}"])


@contextmanager
def child(module: str, *arguments: str, python: Path | None = None) -> Iterator[Ask]:
    """Start ``python -m module``, by the interpreter of ncdjango when none is given, as `children.child` does."""
    with children.child(python or interpreter(), module, *arguments) as ask:
        yield ask


def set_up(folder: Path, **settings: Any) -> None:
    """Configure Django for ncdjango, in a child: database, data and temporary files lie in `folder`.

    It imports osgeo for two functions that nobody calls. An empty module stands in: GDAL's Python bindings have to be
    compiled against one version of GDAL.
    """
    sys.modules.setdefault("osgeo", types.ModuleType("osgeo"))
    import django
    from django.conf import settings as configured

    defaults = {
        "SECRET_KEY": "benchmark",
        "ALLOWED_HOSTS": ["*"],
        "USE_TZ": True,
        "INSTALLED_APPS": ["django.contrib.contenttypes", "django.contrib.auth", "tastypie", "ncdjango"],
        "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "ncdjango.sqlite")}},
        "DEFAULT_AUTO_FIELD": "django.db.models.AutoField",
        "NC_SERVICE_DATA_ROOT": str(folder),
        "NC_TEMPORARY_FILE_LOCATION": str(folder),
        "ROOT_URLCONF": "ncdjango.urls",
    }
    configured.configure(**{**defaults, **settings})
    django.setup()
