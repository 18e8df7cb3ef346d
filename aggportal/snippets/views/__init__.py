"""The pages of the snippets app."""
