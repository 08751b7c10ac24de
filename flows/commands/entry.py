"""`main`: the entry point, and how errors end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import duckdb
import typer

from config.settings import SettingsError
from flows.commands import corpus, report, serving, single, sites, snapshots  # noqa: F401 - they add their commands to `app`
from flows.commands.app import UsageError, app, err
from tasks.collect import CollectError
from tasks.dedupe.signatures import SignatureVersionError
from tasks.files import FilesError
from tasks.snapshot import StoreError


def guarded(command: Callable[[], int]) -> int:
    """Run a command and turn the errors a user can mend into one sentence and an exit code."""
    try:
        return command()
    except (SettingsError, CollectError, UsageError) as error:
        err.print(f"qingyuan: {error}", markup=False)
        return 2
    except (StoreError, FilesError, SignatureVersionError) as error:
        err.print(f"qingyuan: {error}", markup=False)
        return 1
    except duckdb.Error as error:
        first = str(error).partition("\n")[0]
        err.print(f"qingyuan: a table cannot be read: {first}; see `qingyuan snapshots verify`", markup=False)
        return 1
    except KeyboardInterrupt:
        err.print("qingyuan: stopped; what is finished is kept, the same command goes on from there")
        return 1
    except BrokenPipeError:
        # The reader of our output went away (`| head`): not an error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def main() -> None:
    """Entry point of the `qingyuan` command."""

    def call() -> int:
        result = app(standalone_mode=False)
        return result if isinstance(result, int) else 0

    try:
        code = guarded(call)
    except typer.Exit as leave:
        code = leave.exit_code
    except typer.Abort:
        code = 1
    except Exception as error:
        if not hasattr(error, "format_message"):  # a usage error of the command line parser has one
            raise
        error.show()  # type: ignore[attr-defined]  # as above: hasattr tells mypy nothing
        code = 2
    sys.exit(code)
