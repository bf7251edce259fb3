"""Faults that leave a record: the catalogue, when they strike, and what they do."""
