"""The `parity` command: all commands together; expected errors become a message and an exit status.

Exit status: 0 done (or compared, and the same), 1 compared, and different, 2 wrong options, data or files,
3 a framework or device is missing, 4 training diverged, 130 interrupted.

Building this imports no framework; each command imports what it needs when it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from neutral.cli.apply import infer_command, run_test_command
from neutral.cli.doctor import doctor_command
from neutral.cli.export import export_command
from neutral.cli.families import list_command
from neutral.cli.options import with_plain_switches
from neutral.cli.prepare import prepare_app
from neutral.cli.train import FREE_OPTIONS, train_command
from neutral.errors import Interrupted, ParityError
from parity.commands import check_command, faults_command, golden_command
from parity.port import port_command

app = typer.Typer(
    name="parity",
    help="Train and convert model families in PyTorch and PaddlePaddle, and verify that both are the same.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("list")(list_command)
app.command("doctor")(doctor_command)
app.add_typer(prepare_app, name="prepare")
app.command("train", context_settings=FREE_OPTIONS)(train_command)
app.command("test", context_settings=FREE_OPTIONS)(run_test_command)
app.command("infer")(infer_command)
app.command("export")(export_command)
app.command("check")(check_command)
app.command("golden")(golden_command)
app.command("faults")(faults_command)
app.command("port")(port_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; ends the process with its exit status."""
    for stream in (sys.stdout, sys.stderr):
        # A console that cannot show a character gets its code instead of a crash.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        app(args=with_plain_switches(words), prog_name="parity")
    except ParityError as error:
        heading = "" if isinstance(error, Interrupted) else "error: "
        print(f"{heading}{error}", file=sys.stderr)
        sys.exit(error.exit_status)


if __name__ == "__main__":
    main()
