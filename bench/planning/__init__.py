"""Capacity planning: days by the hundred, with statistics."""
