"""`python -m bench.cli`: the `hallbench` command without its console script."""

from bench.cli.main import main

raise SystemExit(main())
