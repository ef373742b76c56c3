"""Nouns without an insecure setting, one per file. Patterns and labs compose them."""
