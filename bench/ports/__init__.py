"""Ports: the collector's ends of lines."""
