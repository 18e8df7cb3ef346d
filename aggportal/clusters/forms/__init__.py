"""What people fill in about clusters."""
