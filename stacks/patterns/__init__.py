"""Patterns of production machine learning on AWS, composed of the nouns in stacks.secure."""
