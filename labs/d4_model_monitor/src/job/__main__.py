"""Python runs the job's archive as it is: `python3 <archive>.zip` starts here."""

import os
import sys

from analyse import main

sys.exit(main(os.environ))
