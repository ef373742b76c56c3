"""What runs inside a worker process: it imports nothing of this project's other packages."""
