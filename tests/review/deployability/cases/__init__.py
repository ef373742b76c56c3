"""Failures, each with a template that fails and what repairs it."""
