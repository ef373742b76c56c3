"""What the operators are made of: places in a template, and operators that drop or set what stands there."""
