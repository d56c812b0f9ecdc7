"""Measurements that are run by hand. Nothing in the product imports this package."""
