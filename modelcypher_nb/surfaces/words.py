"""From words to an operation and its arguments: the commands of shell and magic, built from OPERATIONS on use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

import click

from ..errors import UsageError
from ..guard.secrets import shown
from ..operations import ALIASES, names
from ..operations.operation import Operation, Parameter, find
from .vocabulary import EXIT_CODES, commands, explained, is_positional, metavar, option_name, resolve

__all__ = ["Request", "parse"]

HELP_WIDTH = 100
SCAN = "model_scan"
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": HELP_WIDTH}


class Request(NamedTuple):
    """What was asked for: an operation, its arguments as they were written, and how to answer.

    Attributes:
        json: whether the answer is wanted as machines get it.
        allow: folders to allow for this command.
        sarif: whether the answer is wanted as code hosts take findings.
        output: the file that the answer goes to; a person gets it as text all the same.
    """

    operation: Operation
    arguments: dict[str, Any]
    json: bool
    allow: tuple[str, ...]
    sarif: bool = False
    output: str | None = None


def parse(words: Sequence[str], program: str, *, in_shell: bool) -> Request | None:
    """Read a command.

    Args:
        words: what was typed, without the program's name.
        program: how the program is called, for help texts.
        in_shell: whether a shell is the surface: it has `--allow` and `--version`.

    Returns:
        The request; None where help or the version was asked for, which is printed.

    Raises:
        UsageError: there is no such command, or its words don't fit.
    """
    root = _Root(program, in_shell=in_shell)
    try:
        with root.make_context(program, list(words)) as context:
            result = root.invoke(context)
    except click.exceptions.Exit:  # after help or the version
        return None
    except click.UsageError as error:
        _refuse(error, program)
    return result if isinstance(result, Request) else None


def _refuse(error: click.UsageError, program: str) -> NoReturn:
    """Click's sentence and a second one that says where the command is explained."""
    path = error.ctx.command_path if error.ctx is not None else program
    if isinstance(error, click.MissingParameter) and isinstance(error.param, _Words):
        item = error.param.item
        raise UsageError(f"{path} needs {metavar(item)}: {item.param.description}", f"See: {path} --help") from error
    if isinstance(error, click.NoSuchOption):
        near = f"Did you mean {' or '.join(error.possibilities)}? " if error.possibilities else ""
        if error.ctx is not None and any(
            isinstance(item, _Words) and item.item.param.kind == "rest" for item in error.ctx.command.params
        ):
            near = "Write -- before what the script gets. "
        elif not error.option_name.startswith("--"):
            near = "Options begin with two dashes; write -- before a name that begins with one. "
        problem = f"{path} has no option {shown(error.option_name, 60)}."
        raise UsageError(problem, f"{near}See: {path} --help") from error
    raise UsageError(shown(error.format_message()).rstrip(".") + ".", f"See: {path} --help") from error


def _unknown(word: str, known: Sequence[str], path: str) -> NoReturn:
    import difflib

    near = difflib.get_close_matches(word, known, 3, 0.6)
    remedy = f"Did you mean {' or '.join(f'{path} {name}' for name in near)}? " if near else ""
    problem = f"There is no command '{path} {shown(word, 60)}'."
    raise UsageError(problem, f"{remedy}List the commands: {path} --help")


class _Words(click.Argument):
    """A positional argument that explains itself in the help, as options do."""

    def __init__(self, item: Parameter) -> None:
        count = -1 if item.is_list else 1
        super().__init__(
            [item.name],
            required=item.required,
            nargs=count,
            type=click.UNPROCESSED,
            metavar=metavar(item),
        )
        self.item = item

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        return self.make_metavar(ctx), explained(self.item)


def _option(item: Parameter) -> click.Option:
    name = option_name(item)
    if item.type is bool:
        return click.Option([f"{name}/--no-{name[2:]}", item.name], default=None, help=explained(item))
    kind = {int: "NUMBER", float: "NUMBER"}.get(item.type, "TEXT")
    return click.Option(
        [name, item.name],
        type=click.UNPROCESSED,  # the one executor converts and checks
        metavar=kind,
        required=item.required,
        multiple=item.is_list,
        help=explained(item),
    )


def _common(*, in_shell: bool) -> list[click.Parameter]:
    """What every command takes."""
    found: list[click.Parameter] = [click.Option(["--json", "wants_json"], is_flag=True, help="Answer as JSON.")]
    if in_shell:
        text = "Allow a folder for this command (may be repeated)."
        found.append(click.Option(["--allow"], multiple=True, type=click.UNPROCESSED, metavar="DIR", help=text))
    return found


def _of_scan() -> list[click.Parameter]:
    """What a report takes beside `--json`: pipelines read it from a file while their log shows the text."""
    return [
        click.Option(["--sarif"], is_flag=True, help="Answer as SARIF 2.1.0, for code hosts and editors."),
        click.Option(
            ["--output", "answer_file"],
            type=click.UNPROCESSED,
            metavar="FILE",
            help="Write the JSON, SARIF or text to a new file, and show the text here.",
        ),
    ]


class _Verb(click.Command):
    """One operation as a command; its value is a Request."""

    def __init__(self, name: str, found: Operation, *, in_shell: bool) -> None:
        positional = [_Words(item) for item in found.parameters if is_positional(item)]
        options = [_option(item) for item in found.parameters if not is_positional(item)]
        super().__init__(
            name,
            params=[*positional, *options, *(_of_scan() if found.name == SCAN else ()), *_common(in_shell=in_shell)],
            help=found.description,
            callback=self._request,
            context_settings={**SETTINGS, "allow_extra_args": True},  # ours to refuse, by a sentence that helps
        )
        self.operation = found

    def _request(
        self,
        wants_json: bool,
        allow: tuple[str, ...] = (),
        sarif: bool = False,
        answer_file: str | None = None,
        **values: Any,
    ) -> Request:
        context = click.get_current_context()
        if context.args:
            self._refuse_more(context)
        above = context.find_root().params
        given = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
            if value is not None and value != ()
        }
        folders = (*above.get("allow", ()), *allow)
        wants_json = wants_json or above.get("wants_json", False)
        if sarif and wants_json:
            raise UsageError("--json and --sarif are two forms of one answer.", "Choose one of them.")
        return Request(self.operation, given, wants_json, folders, sarif, answer_file)

    def _refuse_more(self, context: click.Context) -> NoReturn:
        named = [option_name(item) for item in self.operation.parameters if not is_positional(item)]
        hint = f"Name what it is: {', '.join(named)}. " if named else ""
        raise UsageError(
            f"{context.command_path} has no place for '{shown(' '.join(context.args), 80)}'.",
            f"{hint}See: {context.command_path} --help",
        )

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        words = [item.get_help_record(ctx) for item in self.params if isinstance(item, _Words)]
        if words:
            with formatter.section("Arguments"):
                formatter.write_dl(words)
        super().format_options(ctx, formatter)


class _Commands(click.Group):
    """A group whose commands are made when they are asked for."""

    def __init__(self, name: str, words: tuple[str, ...], *, in_shell: bool, **settings: Any) -> None:
        super().__init__(name, context_settings=SETTINGS, invoke_without_command=True, callback=self._alone, **settings)
        self.words = words
        self.in_shell = in_shell

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        depth = len(self.words)
        found = (words[depth] for words in commands() if words[:depth] == self.words and len(words) > depth)
        return list(dict.fromkeys(found))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        words = (*self.words, cmd_name)
        found = resolve(*words)
        if found is not None:
            return _Verb(cmd_name, found, in_shell=self.in_shell)
        if len(words) == 1 and any(known[0] == cmd_name and len(known) > 1 for known in commands()):
            return _Commands(cmd_name, words, in_shell=self.in_shell, help=f"The verbs of {cmd_name}.")
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None:
            _unknown(args[0], self.list_commands(ctx), ctx.command_path)
        return super().resolve_command(ctx, args)

    def _alone(self, **_: Any) -> None:
        """What the group does where no command of it was named."""
        context = click.get_current_context()
        if context.invoked_subcommand is None:
            verbs = ", ".join(self.list_commands(context))
            raise UsageError(f"{context.command_path} needs a verb.", f"Choose one of: {verbs}.")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [
            (verb, found.summary)
            for verb in self.list_commands(ctx)
            if (found := resolve(*self.words, verb)) is not None
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class _Root(_Commands):
    """The program itself; without words it shows its help."""

    def __init__(self, program: str, *, in_shell: bool) -> None:
        from .. import __doc__ as about

        options = _common(in_shell=in_shell)
        if in_shell:
            flag: dict[str, Any] = {"is_flag": True, "expose_value": False, "is_eager": True}
            options.append(click.Option(["--version"], callback=_show_version, help="Show the version.", **flag))
        epilog = EXIT_CODES if in_shell else None
        super().__init__(program, (), in_shell=in_shell, help=about, params=options, epilog=epilog)

    def _alone(self, **_: Any) -> None:
        context = click.get_current_context()
        if context.invoked_subcommand is None:
            click.echo(context.get_help())

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        rows: dict[str, list[tuple[str, str]]] = {}
        for name in names():
            found = find(name)
            rows.setdefault(found.group, []).append((found.command, found.summary))
        for group, verbs in rows.items():
            with formatter.section(group.capitalize() if group != "mcp" else "MCP"):
                formatter.write_dl(verbs)
        with formatter.section("Short forms"):
            formatter.write_dl([(" ".join(short), " ".join(words)) for short, words in ALIASES.items()])


def _show_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        from .. import __version__

        click.echo(f"modelcypher_nb {__version__}")
        ctx.exit()
