"""How is text shown, and what does a command line start?

Plurals and enumerations, text made fit for one line, secrets masked, and the program that a command line starts.
`one_line` is the only way to one masked line; `mask` is what every text passes before it leaves the package.
"""

from taskanalysis.text.commands import CmdCommand, cmd_commands, hides_exit_code, program_name, working_program
from taskanalysis.text.masking import has_secret, mask, mask_arguments, mask_lines
from taskanalysis.text.sentences import clip, count, listed, needs_attention, one_line, plain_paths, printable
from taskanalysis.text.shown import Brief, brief, small_table
from taskanalysis.text.signs import visible
from taskanalysis.text.times import ago, say, say_day, spoken

__all__ = [
    "Brief",
    "CmdCommand",
    "ago",
    "brief",
    "clip",
    "cmd_commands",
    "count",
    "has_secret",
    "hides_exit_code",
    "listed",
    "mask",
    "mask_arguments",
    "mask_lines",
    "needs_attention",
    "one_line",
    "plain_paths",
    "printable",
    "program_name",
    "say",
    "say_day",
    "small_table",
    "spoken",
    "visible",
    "working_program",
]
