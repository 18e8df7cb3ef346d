"""Looking at a TLS endpoint from outside: what it serves, speaks, and asks for. No Django."""
