"""Live copies of the log for syslog and OTLP receivers: beside the log, never instead of it."""
