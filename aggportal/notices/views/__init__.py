"""Thin doors to the notices."""
