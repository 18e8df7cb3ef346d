"""Benchmarks: they print figures, and ratios against the peer in the same run.

Nothing here is a test.
"""
