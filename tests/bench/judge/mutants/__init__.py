"""Collectors with one mistake each, planted in the reference collector: the judge's own test (conformance.md 4.5)."""
