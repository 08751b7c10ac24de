"""The command line: `qingyuan --help`.

Exit codes: 0 done, 1 failed, 2 wrong use (also a configuration or a path that cannot be used).
Results go to standard output, progress and complaints to standard error.
"""

from flows.commands.entry import main

__all__ = ["main"]
