"""What the rules are made of: the rule, the template, values with references in them, and policies."""
