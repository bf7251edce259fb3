"""Captures: the traffic of lines as files that other programs open, and from such files back on a line."""
