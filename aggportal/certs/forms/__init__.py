"""Forms of the certs app."""
