"""Looking at TLS endpoints from this machine, within limits and on record. No models."""
