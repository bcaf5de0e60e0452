"""The `mc` command: `mc`, `modelcypher-nb` and `python -m modelcypher_nb` are this program."""

import sys


def _drop_start_folder() -> None:
    """Take the start folder off `sys.path`, so that a downloaded model folder's `click.py` is never imported.

    `python -m` puts it first, and an empty entry in PYTHONPATH means it too. This runs before any import that is not
    built into the interpreter. Where the start folder is a library folder itself, our own libraries live there.
    """
    import os  # loaded by the interpreter's start, before there was a start folder on the path

    try:
        start = os.path.realpath(os.getcwd())  # noqa: PTH109 - pathlib would be imported from the start folder
    except FileNotFoundError:  # removed meanwhile: nothing can be imported from it
        return
    libraries = {os.path.realpath(os.path.dirname(os.__file__))}  # noqa: PTH120
    if start in libraries or os.path.basename(start) in {"site-packages", "dist-packages"}:  # noqa: PTH119
        return
    sys.path[:] = [entry for entry in sys.path if entry and os.path.realpath(entry) != start]


def main() -> int:
    """Run the command that the process was started with, and give its exit code."""
    _drop_start_folder()
    try:
        from .surfaces.command_line import run
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - Python's own exit code 1 would mean danger (see errors.py)
        sys.stderr.write(f"mc: It can't be started: {type(error).__name__}: {str(error)!a}.\n")
        sys.stderr.write("    Install it again: python -m pip install --force-reinstall modelcypher_nb\n")
        return 70
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
