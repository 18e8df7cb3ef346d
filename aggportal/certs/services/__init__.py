"""What can be done with authorities and certificates."""
