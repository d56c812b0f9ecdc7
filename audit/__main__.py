"""`python -m audit`: the log's own commands, without the rest of Hangu."""

import sys

from audit.cli import main

sys.exit(main(sys.argv[1:]))
