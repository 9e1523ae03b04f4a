"""`python -m tocsin.site.command`: how the supervisor starts its children."""

import sys

from tocsin.site.command import main

sys.exit(main())
