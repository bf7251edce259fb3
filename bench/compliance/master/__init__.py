"""Judging a master: devices that answer well and badly are presented to it, and its bus manners are judged."""
