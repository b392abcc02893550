"""A call as a WSGI request, which is how moto takes it."""

import io
import sys
from typing import Any
from urllib.parse import unquote_to_bytes

from sandbox.request import Call


def environ(call: Call) -> dict[str, Any]:
    """Return the WSGI environment of a call."""
    path = unquote_to_bytes(call.path).decode("latin-1")
    target = f"{call.path}?{call.query}" if call.query else call.path
    variables: dict[str, Any] = {
        "REQUEST_METHOD": call.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": call.query,
        "REQUEST_URI": target,
        "RAW_URI": target,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(call.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    _add_headers(variables, call)
    return variables


def _add_headers(variables: dict[str, Any], call: Call) -> None:
    for name, value in call.headers:
        key = name.upper().replace("-", "_")
        if key == "TRANSFER_ENCODING":
            continue
        variables[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
    variables["CONTENT_LENGTH"] = str(len(call.body))
    if call.scope is not None and call.scope.presigned:
        # moto routes by this header alone: without it a presigned URL would go to S3.
        scope = call.scope
        variables["HTTP_AUTHORIZATION"] = (
            f"AWS4-HMAC-SHA256 Credential={scope.access_key_id}/{scope.date}/{scope.region}/"
            f"{scope.service}/aws4_request, SignedHeaders=host, Signature=0"
        )
