"""Thin doors to the certificates."""
