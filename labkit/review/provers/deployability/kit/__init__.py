"""What the checks are made of: the template as a graph, roles, keys, networks, deliveries and tables of services."""
