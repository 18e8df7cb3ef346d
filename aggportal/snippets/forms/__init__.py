"""What is chosen on the flags page and described in the studio."""
