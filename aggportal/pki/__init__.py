"""The pure core of certificates: cfssl's documents in, X.509 out. No Django, clock or network."""
