import sys

from study.command import main

sys.exit(main())
