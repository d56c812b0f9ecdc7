"""Sealed texts: what policy keeps at level `encrypted`, outside the log, readable by the auditor alone.

    envelope    the cryptography: a text under a content key, a content key under the auditor's public key
    auditor     the auditor's key files
    store       the folder and its rules
    keyfiles    wrapped content keys, one file each: erasing a person destroys these
    textfiles   the sealed texts, appended by each worker to a file of its own
    sealer      what the gateway uses: it can seal, and cannot read back
    opener      what the auditor uses
    erasure     destroy the keys of a subject, or of old texts
    rewrap      move all keys to another auditor key

docs/contents.md says what is promised and what is not.
"""
