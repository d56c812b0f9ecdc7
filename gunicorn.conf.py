"""Found by a plain `gunicorn wsgi:application` in this folder; elsewhere pass `-c python:gateway.gunicorn_conf`."""

from gateway.gunicorn_conf import *  # noqa: F403 - gunicorn reads module attributes
