"""Search over the log: a rebuildable index beside it, queries, records shown with their proof, and reads on record."""
