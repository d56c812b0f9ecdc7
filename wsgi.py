"""`gunicorn wsgi:application` serves the deployment that HANGU_CONFIG names."""

from gateway.boot import boot

application = boot()
