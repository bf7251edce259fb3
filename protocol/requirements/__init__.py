"""The normative statements of each specification, as TOML: what the compliance cases cite and blame."""
