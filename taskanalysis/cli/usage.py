"""Kinds of commands: how they take their arguments, and what an error of usage shows."""

from __future__ import annotations

import re
from typing import Any

import click

BAD_INPUT, NAGIOS_UNKNOWN = 2, 3


class Command(click.Command):
    """A command that refuses an empty option, as from an unset variable of a script, unless that is its default."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments."""
        rest = super().parse_args(ctx, args)
        for option in self.params:
            value = ctx.params.get(option.name or "")
            if option.default != "" and (value == "" or (isinstance(value, tuple) and "" in value)):
                raise click.UsageError(f"{option.opts[0]} is empty: give it a value", ctx)
        return rest


class Commands(click.Group):
    """The commands, with arguments taken literally."""

    command_class = Command

    def main(self, *args: Any, **kwargs: Any) -> Any:
        r"""Run one. By default click expands ``[1]``, ``~`` and ``%X%`` in Windows paths."""
        return super().main(*args, **{"windows_expand_args": False} | kwargs)


class Monitored(Command):
    """A command whose bad usage ends, with ``--format nagios``, with the code for unknown, not for critical."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments."""
        nagios = "nagios" in args or "--format=nagios" in args
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.exit_code = NAGIOS_UNKNOWN if nagios else BAD_INPUT  # type: ignore[misc]
            raise


class Discreet(Command):
    """A command whose arguments may hold passwords: an error of usage shows none of them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            unknown = isinstance(error, click.NoSuchOption) and re.fullmatch(r"--?[a-z-]{1,20}", error.option_name)
            if unknown or error.message.endswith("is empty: give it a value"):
                raise
            option = getattr(error, "param", None)
            wrong = (
                f"{option.opts[0]} is missing or wrong"
                if option
                else "an argument has no option, or an option no value"
            )
            raise click.UsageError(wrong, ctx) from None
