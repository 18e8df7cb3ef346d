"""Scanning within limits, and what is found in the light of what we hold."""
