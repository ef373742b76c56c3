"""What a step sees of a deployed lab."""
