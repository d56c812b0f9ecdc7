"""Who calls: bearer tokens, issuers and their keys, and the embedded authorization server's tokens and clients."""
