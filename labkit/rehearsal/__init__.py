"""AWS on loopback: a whole lab tried without an account, and told apart from what was only recorded."""
