"""CloudFormation itself: templates, stacks, their order, events and rollback."""
