"""What is wrong with settings, in words that say what to do. Values are never repeated: one may be a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_settings import SettingsError

WHOLE_NUMBER = "give a whole number"
NUMBER = "give a number"
LIST = "give a list (in a variable as JSON)"

SENTENCES: Mapping[str, str] = {
    "missing": "it must be set",
    "model_type": "it is a section; give settings below it",
    "int_type": WHOLE_NUMBER,
    "int_parsing": WHOLE_NUMBER,
    "int_from_float": WHOLE_NUMBER,
    "float_type": NUMBER,
    "float_parsing": NUMBER,
    "greater_than": "give more than {gt:g}",
    "greater_than_equal": "give {ge:g} or more",
    "less_than_equal": "give {le:g} or less",
    "literal_error": "give {expected}",
    "string_type": "give text; quote what looks like a number",
    "string_pattern_mismatch": "give text of the form {pattern}",
    "path_type": "give the path of a file or folder",
    "tuple_type": LIST,
    "frozen_set_type": LIST,
    "dict_type": "give names, each with its value (in a variable as JSON)",
    "too_long": "give at most {max_length} of them",
    "value_error": "{error}",
}
"""By pydantic's type of error, and with what it says of it. All that our fields can meet."""

FOLLOWS = "default_factory_not_called"
"""A field whose default hangs on one that is wrong: no mistake of its own."""


def told(error: ValidationError, root: type[BaseModel]) -> str:
    """Every mistake, by the path of its field."""
    return f"Correct these settings: {'; '.join(_mistakes(error, root))}."


def told_of_text(error: SettingsError) -> str:
    """For a list or tree in a variable. The error names the section in its message, and nowhere else."""
    section = re.search(r'field "(\w+)"', str(error))
    which = f"A PAGESTREAM_{section[1].upper()} variable" if section else "A variable"
    return f'{which} is not JSON: write a list as ["a", "b"], names and values as {{"a": "b"}}.'


def told_of_file(error: Exception) -> str:
    if not isinstance(error, yaml.YAMLError):
        return "The settings file must hold sections, such as kafka and store, with settings below them; correct it."
    mark = getattr(error, "problem_mark", None)
    where = f", at line {mark.line + 1}" if mark is not None else ""
    return f"The settings file is not YAML{where}; correct it."


def _mistakes(error: ValidationError, root: type[BaseModel]) -> Iterator[str]:
    for mistake in error.errors(include_input=False, include_url=False):
        kind, path = mistake["type"], mistake["loc"]
        if kind == "extra_forbidden":
            yield f"{_dotted(path)}: {_unknown(path, root)}"
        elif kind != FOLLOWS:
            sentence = SENTENCES.get(kind, mistake["msg"].lower())
            yield f"{_dotted(path)}: {sentence.format_map(mistake.get('ctx', {}))}"


def _unknown(path: tuple[int | str, ...], root: type[BaseModel]) -> str:
    """The likeliest slip is one of spelling."""
    fields: Mapping[str, Any] = root.model_fields
    for name in path[:-1]:
        fields = fields[str(name)].annotation.model_fields
    near = get_close_matches(str(path[-1]), fields, n=1)
    return "there is no such setting" + (f" (did you mean {_dotted((*path[:-1], near[0]))}?)" if near else "")


def _dotted(path: tuple[int | str, ...]) -> str:
    return ".".join(map(str, path))
