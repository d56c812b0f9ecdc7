"""Anchors: checkpoints kept where the log's writer cannot reach them, and witnesses that vouch for their order.

`history` reads the log; `anchoring` brings its newest checkpoint to every target; `witness_client` and the sinks are
the targets. `witness`, `witness_state` and `witness_http` are the witness that ships. docs/anchors.md has the whole.
"""
