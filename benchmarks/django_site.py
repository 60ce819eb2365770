"""The peer's server: jobs behind Django REST framework, run by Celery, as ncdjango has it.

A POST writes a row and queues its id; the worker reads the row, marks it as started, and writes the result into it;
clients ask for the row until it says success. Where it is and what it uses comes from the environment.
"""

import os
from pathlib import Path

import django
from celery import Celery
from django.conf import settings

FOLDER = Path(os.environ["PEER_FOLDER"])
BROKER = f"redis+socket://{FOLDER / 'redis.sock'}"

settings.configure(
    SECRET_KEY="only for this benchmark",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "rest_framework",
        "rest_framework.authtoken",
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": FOLDER / "peer.sqlite",
            "OPTIONS": {"timeout": 60},  # seconds; with the 5 of the default some requests of a burst may fail
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],  # answers have a length
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
        "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
        "PAGE_SIZE": 20,
    },
)
django.setup()

# Only now: these look at the settings.
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.urls import include, path  # noqa: E402
from django.utils import timezone  # noqa: E402
from rest_framework import routers, serializers, viewsets  # noqa: E402

celery = Celery("peer", broker=BROKER, backend=BROKER)
celery.conf.update(task_ignore_result=False, broker_connection_retry_on_startup=True)


class Job(models.Model):
    """A job's row."""

    job = models.CharField(max_length=200)
    inputs = models.TextField(default="{}")
    outputs = models.TextField(default="{}")
    status = models.CharField(max_length=20, default="pending", db_index=True)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        app_label = "peer"
        ordering = ("-id",)


class JobSerializer(serializers.ModelSerializer):
    class Meta:
        model = Job
        fields = ("id", "job", "inputs", "outputs", "status", "created")
        read_only_fields = ("outputs", "status", "created")


class JobViews(viewsets.ModelViewSet):
    serializer_class = JobSerializer

    def get_queryset(self):
        jobs = Job.objects.all()
        status = self.request.query_params.get("status")
        return jobs if status is None else jobs.filter(status=status)

    def perform_create(self, serializer):
        run_job.delay(serializer.save().pk)


@celery.task
def run_job(pk):
    """Run the job of a row."""
    job = Job.objects.get(pk=pk)
    job.status = "started"
    job.save()
    job.outputs, job.status = job.inputs, "success"
    job.save()


@celery.task
def noop(value):
    """Give back what came."""
    return value


router = routers.DefaultRouter()
router.register("jobs", JobViews, basename="jobs")
urlpatterns = [path("", include(router.urls))]
application = get_wsgi_application()


def make_tables() -> str:
    """Make the database and a user, and return the user's token."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from rest_framework.authtoken.models import Token

    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(Job)
    return str(Token.objects.create(user=User.objects.create_user("peer")).key)
