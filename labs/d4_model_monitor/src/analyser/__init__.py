"""Compares captured traffic of a model with the baseline it was trained on, in one pass and bounded memory."""
