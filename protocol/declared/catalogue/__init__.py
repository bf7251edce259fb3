"""The declarations that ship with hallbench, one TOML file a protocol; `bench.scenario.declared` reads them."""
