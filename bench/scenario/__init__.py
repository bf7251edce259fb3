"""Scenario files: the model, the loader with its positions, and the JSON Schema."""
