"""The search for what breaks a collector: many short runs, the first violation shrunk and kept (conformance.md 4.7)."""
