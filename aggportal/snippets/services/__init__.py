"""The deeds of the snippets app."""
