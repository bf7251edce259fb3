"""`python -m bench.cli`: the `hallbench` command without its console script."""

from bench.cli.start import main

raise SystemExit(main())
