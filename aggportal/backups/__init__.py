"""Backups: made while the portal runs, encrypted, put back into an empty installation only."""
