"""The cases: one module for each protocol and role, each a table of `bench.compliance.case.Case`."""
