"""Pages of other origins: nothing without `allow_origin`, and with it what rest.md promises.

Jupyter's own handlers let any origin read the answer to a request with a token; these do not, and their preflights
allow more headers.
"""

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import origin_matches_pat
from tornado import web

_ALLOWED_HEADERS = (
    "Authorization, Content-Type, If-None-Match, Idempotency-Key, Last-Event-ID, X-XSRFToken, X-CSRFToken"
)
_EXPOSED_HEADERS = "Location, ETag, Retry-After"
_PREFLIGHT_AGE = 600  # seconds that a browser may remember the answer


class CrossOriginHandler(APIHandler):
    """An API handler with the cross-origin rules of rest.md."""

    @classmethod
    def methods(cls) -> list[str]:
        """Return the HTTP methods that this handler answers."""
        names = ("GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS")
        return [name for name in names if getattr(cls, name.lower()) is not getattr(web.RequestHandler, name.lower())]

    def set_cors_headers(self) -> None:
        """Tell the browser who may read the answer; Jupyter calls it when it knows the user."""
        if self._serves_other_origins():
            super().set_cors_headers()
            self.set_header("Access-Control-Expose-Headers", _EXPOSED_HEADERS)
        if self.allow_origin_pat and not self.allow_origin:
            self.set_header("Vary", "Origin")

    def _serves_other_origins(self) -> bool:
        if self.allow_origin or "Access-Control-Allow-Origin" in self.settings.get("headers", {}):
            return True
        origin = self.request.headers.get("Origin", "")
        return bool(self.allow_origin_pat and origin_matches_pat(self.allow_origin_pat, origin))

    @allow_unauthenticated
    def options(self, *args: str, **kwargs: str) -> None:
        """Answer a preflight, which carries no credentials."""
        if self._serves_other_origins():
            self.set_header("Access-Control-Allow-Methods", ", ".join(self.methods()))
            self.set_header("Access-Control-Allow-Headers", _ALLOWED_HEADERS)
            self.set_header("Access-Control-Max-Age", str(_PREFLIGHT_AGE))
        self.set_status(204)
        self.finish()
