"""The checks: one class of failures is one file in this folder, and nothing registers it."""
