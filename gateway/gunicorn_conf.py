"""gunicorn's settings, from hangu.yaml. Options of the command line and GUNICORN_CMD_ARGS still come on top."""

from __future__ import annotations

import os
import sys

from gateway.settings import load_settings
from policies.source import SourceError

try:
    _settings = load_settings()
except SourceError as error:
    sys.exit(str(error))

bind = os.environ.get("HANGU_BIND", _settings.bind)
workers = _settings.workers
threads = _settings.threads
worker_class = "gateway.server.Worker"
worker_connections = 1000
graceful_timeout = _settings.grace
timeout = 120  # a worker whose main loop is silent for so long is replaced; answers may take longer
keepalive = 75
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 16_384
control_socket_disable = True  # it would open in the home folder of whoever runs the gateway
forwarded_allow_ips = ""  # X-Forwarded-* is read by the gateway alone, and only from `http.trusted_proxies`
proc_name = "hangu"
accesslog = None  # the audit log is the record; an access log would repeat it unsigned
loglevel = "warning"
