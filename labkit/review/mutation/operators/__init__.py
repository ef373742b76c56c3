"""The operators, grouped by what they make worse; nothing registers them."""
