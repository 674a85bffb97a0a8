"""The command `indextts-hub`. A command's module is imported when it is called, so that each starts as fast as it can."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from types import MappingProxyType

import typer
from typer import _click as click  # typer carries its own, and gives its types no other name
from typer.core import TyperGroup

from cli.trouble import INTERRUPTED, present

__all__ = ["COMMANDS", "app", "main"]

COMMANDS = MappingProxyType(
    {
        "pull": ("cli.pull:pull", "Fetch versions, verify every byte, lay them out."),
        "list": ("cli.look:list_versions", "What is here; with --all what there is."),
        "show": ("cli.look:show", "What a version is: files, licence, sources."),
        "path": ("cli.look:path", "Where a version's files are."),
        "outdated": ("cli.outdated:outdated", "Versions that the catalogue has newer; --upstream asks where they come from."),
        "watch": ("cli.outdated:watch", "Look again and again for what is newer, and tell a webhook."),
        "verify": ("cli.verify:verify", "Hash every byte again; --repair fetches only what is bad."),
        "scan": ("cli.scan:scan", "What a version's files, or a file, would do when they are read."),
        "convert": ("cli.convert:convert", "Write a torch checkpoint's tensors as safetensors."),
        "scrub": ("cli.upkeep:scrub", "Hash a little of the store again, what was longest not looked at."),
        "adopt": ("cli.upkeep:adopt", "Take over the files of a version that a folder has already."),
        "pin": ("cli.names:pin", "Never collect a version."),
        "unpin": ("cli.names:unpin", "Let a version be collected again."),
        "alias": ("cli.names:alias", "Movable names: set, rm, rollback."),
        "lock": ("cli.names:lock", "Write the digests of what is here into a lock file."),
        "remove": ("cli.space:remove", "Take a version away."),
        "gc": ("cli.space:gc", "Free the space that nothing needs."),
        "export": ("cli.bundle:export", "Write versions into a bundle for a machine without a network; --metalink for aria2."),
        "import": ("cli.bundle:import_", "Take the versions of a bundle in."),
        "catalogue": ("cli.catalogue:catalogue", "A signed catalogue: publish one, or take one over and trust no other."),
        "manifest": ("cli.manifest:manifest", "What a catalogue says of a version's files: chunks."),
        "mirrors": ("cli.mirrors:mirrors", "The places that hold files: list, test, stats, sync, check."),
        "link": ("cli.link:link", "An address by which a file can be fetched without a key, for a while."),
        "links": ("cli.link:links", "The addresses that were given out: list, revoke."),
        "serve": ("cli.serve:serve", "Lend the versions to an intranet: speech over HTTP and a page."),
        "say": ("cli.say:say", "Speak a text into a file."),
        "batch": ("cli.batch:batch", "Speak the lines of a CSV, JSONL or SRT file; run again, it goes on."),
        "whence": ("cli.whence:whence", "Where a piece of speech comes from: its label, task and event."),
        "key": ("cli.key:key", "Who may ask a service: create, list, revoke."),
        "engine": ("cli.engine:engine", "Engines with packages of their own: install, list, check, remove."),
        "audit": ("cli.audit:audit", "Who did what, when: log, checkpoint, verify."),
        "doctor": ("cli.doctor:doctor", "Find what is wrong and say what to do; --rebuild mends."),
        "db": ("cli.database:db", "The database: current, upgrade."),
        "version": ("cli.version:version", "Which program this is."),
    }
)
"""Each command's function or group, and its line of help."""


class LazyGroup(TyperGroup):
    """Commands that are imported when they are called; for the list of them their line of help is enough."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        place, line = COMMANDS[cmd_name]
        module, _, attribute = place.partition(":")
        found = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            group = typer.main.get_command(found)
            group.name, group.help = cmd_name, line
            return group
        single = typer.Typer(add_completion=False)
        single.command(cmd_name, help=found.__doc__)(found)
        return typer.main.get_command(single)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


app = typer.Typer(
    cls=LazyGroup,
    name="indextts-hub",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Host, mirror and speak IndexTTS model versions.",
)


@app.callback()
def _group() -> None:
    """Host, mirror and speak IndexTTS model versions."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit with its code; whatever goes wrong is presented in two lines."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    # pydantic would look for plugins in the metadata of every installed package, at every start; none is used here.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    try:
        # Scripts ask for the version often, and Typer's parameters alone import pydantic: 60 ms of the 150 this may take.
        if arguments in (["version"], ["version", "--json"]):
            from cli.version import version

            version(to_json="--json" in arguments)
            return
        command = typer.main.get_command(app)
        code = command.main(args=arguments, prog_name="indextts-hub", standalone_mode=False)
        if code == INTERRUPTED:  # Typer has caught it, and says nothing
            raise KeyboardInterrupt
    except BaseException as error:  # noqa: BLE001 - the outermost edge: everything becomes two lines and a code
        sys.exit(present(error, arguments))
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
