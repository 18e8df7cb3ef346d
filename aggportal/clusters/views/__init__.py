"""Thin doors to the clusters."""
