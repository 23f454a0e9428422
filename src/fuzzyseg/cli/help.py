"""`fuzzyseg COMMAND --help`: options in the order in which a person looks for them."""

from __future__ import annotations

import dataclasses
import inspect
import re
import textwrap
import types
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from fuzzyseg.cli.commands import COMMANDS

_WIDTH, _COLUMN = 96, 26  # of the page, and where descriptions begin
_GENERAL = ("config", "force", "jobs", "quiet", "json", "debug")  # what many commands have
_METAVARS = {int: "N", float: "X", str: "TEXT", Path: "PATH"}


def command_help(name: str) -> str:
    """Text of a command's help.

    Options that are fields of the command come first, then a group for each dataclass among
    its fields, headed by that field's description, or by the titles of the dataclass's own
    `GROUPS` (title to names of fields; with the title "" they stand among the command's own);
    what many commands have comes last.
    """
    kind: Any = import_module(COMMANDS[name].module).Command
    summary, about = _documented(kind)
    hints = get_type_hints(kind, include_extras=True)
    groups: dict[str, list[str]] = {"": []}
    general: list[str] = []
    usage = [f"usage: fuzzyseg {name}"]
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint):
            for title, entries in _nested(hint, about[field.name].rstrip(".")).items():
                groups.setdefault(title, []).extend(entries)
            continue
        entry = _entry(field, hint, about[field.name])
        (general if field.name in _GENERAL else groups[""]).append(entry)
        if _positional(hint):
            shown = _spelled(field, hint)
            usage.append(shown if _required(field) else f"[{shown}]")
        elif _required(field):
            usage.append(_spelled(field, hint).split(", ")[0] + f" {_metavar(field, hint)}")
    groups["In general"] = general
    parts = [" ".join([*usage, "[options]"]), summary]
    for title, entries in groups.items():
        if entries:
            parts.append("\n".join([f"{title}:", *entries] if title else entries))
    return "\n\n".join(parts) + "\n"


def _nested(kind: Any, title: str) -> dict[str, list[str]]:
    _, about = _documented(kind)
    hints = get_type_hints(kind, include_extras=True)
    home = {name: group for group, names in getattr(kind, "GROUPS", {}).items() for name in names}
    groups: dict[str, list[str]] = {}
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        if not field.init:
            continue
        if dataclasses.is_dataclass(hint):
            inner = _nested(hint, about[field.name].rstrip("."))
        else:
            inner = {home.get(field.name, title): [_entry(field, hint, about[field.name])]}
        for group, entries in inner.items():
            groups.setdefault(group, []).extend(entries)
    return groups


def _documented(kind: Any) -> tuple[str, dict[str, str]]:
    """First paragraph of a class's docstring, and the descriptions of its parameters."""
    text = inspect.getdoc(kind) or ""
    summary, _, rest = text.partition("\n\nParameters\n----------\n")
    about: dict[str, str] = {}
    name = ""
    for line in rest.split("\n\n")[0].splitlines():
        if line.startswith(" "):
            about[name] = f"{about[name]} {line.strip()}".strip()
        else:
            name = line.split(" :")[0]
            about[name] = ""
    return summary.split("\n\n")[0].replace("\n", " "), about


def _entry(field: Any, hint: Any, about: str) -> str:
    """One option: how it is written, what it does, its default, its choices."""
    text = re.sub(r"``?([^`]+)``?", r"\1", about)
    default = field.default
    if _bare(hint) is bool and default is True:
        text = f"Do not {text[:1].lower()}{text[1:]}"
    plain = default not in (dataclasses.MISSING, None, (), "") and not isinstance(default, bool)
    if plain:
        shown = " ".join(map(str, default)) if isinstance(default, tuple) else default
        text += f" [{shown}]"
    left = "  " + _spelled(field, hint)
    if not _positional(hint) and _bare(hint) is not bool:
        left += f" {_metavar(field, hint)}"
    lines = textwrap.wrap(text, _WIDTH - _COLUMN) or [""]
    gap = "\n" + " " * _COLUMN
    head = left.ljust(_COLUMN) if len(left) < _COLUMN - 1 else left + gap
    choices = [
        textwrap.fill(
            f"{key:<14} {_line(value)}", _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 21
        )
        for key, value in {
            **field.metadata.get("choices", {}),
            **field.metadata.get("names", {}),
        }.items()
    ]
    return "\n".join([head + gap.join(lines), *choices])


def _line(entry: Any) -> str:
    """One line for people of a registry's entry."""
    return str(entry if isinstance(entry, str) else entry.about)


def _spelled(field: Any, hint: Any) -> str:
    if _positional(hint):
        several = get_origin(_bare(hint)) is tuple
        return str(field.name).upper() + (" ..." if several else "")
    flag = field.name.replace("_", "-")
    if _bare(hint) is bool and field.default is True:
        return f"--no-{flag}"
    return ", ".join([*_aliases(hint), f"--{flag}"])


def _metavar(field: Any, hint: Any) -> str:
    for extra in get_args(hint)[1:] if get_origin(hint) is Annotated else ():
        if getattr(extra, "metavar", None):
            return str(extra.metavar)
    kind = _bare(hint)
    if "choices" in field.metadata:
        return "NAME ..." if get_origin(kind) is tuple else "NAME"
    if get_origin(kind) is Literal:
        return "{" + ",".join(map(str, get_args(kind))) + "}"
    if get_origin(kind) is tuple:
        inside = [_METAVARS.get(part, "VALUE") for part in get_args(kind) if part is not ...]
        return " ".join(inside) + (" ..." if ... in get_args(kind) else "")
    return str(_METAVARS.get(kind, "VALUE"))


def _bare(hint: Any) -> Any:
    """Type without Annotated and without None."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) in {types.UnionType, Union}:
        left = [part for part in get_args(hint) if part is not type(None)]
        return _bare(left[0]) if len(left) == 1 else hint
    return hint


def _positional(hint: Any) -> bool:
    extras = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return any("Positional" in repr(extra) or "positional" in repr(extra) for extra in extras)


def _aliases(hint: Any) -> tuple[str, ...]:
    extras = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return tuple(alias for extra in extras for alias in getattr(extra, "aliases", None) or ())


def _required(field: Any) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
