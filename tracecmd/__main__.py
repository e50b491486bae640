"""``python -m tracecmd`` is the ``tracecmd`` command."""

import sys

from .cli import main

sys.exit(main())
