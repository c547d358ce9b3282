"""Everything an operator can turn: one frozen tree, from a YAML file and `PAGESTREAM_*` variables, read once.

The name of a variable is the path of its field: `store.endpoint` is PAGESTREAM_STORE__ENDPOINT. Variables win over the
file. Secrets are never values here: a field names the file that holds one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    YamlConfigSettingsSource,
)

from pipeline.errors import Fatal

CONFIG_VARIABLE = "PAGESTREAM_CONFIG"
Positive = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0)]


GPU_LANES = 8
"""Lanes of a GPU, with as many cores: each is a thread that cuts and resizes images between its runs on the device, and
for a page that takes a core several times as long as the device. See docs/gpu.md."""


def models_home() -> Path:
    return _cache_home() / "models"


def engines_home() -> Path:
    return _cache_home() / "engines"


def _cache_home() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "pagestream"


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _lanes(engine: object, device: object) -> int:
    """PaddleOCR's lanes share nothing: on a GPU each would hold the models again."""
    if device == "cpu":
        return cores()
    return 1 if engine == "paddleocr" else min(cores(), GPU_LANES)


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KafkaSection(Section):
    bootstrap_servers: str = Field(
        default="127.0.0.1:9092", description="Brokers to begin with, as host:port,host:port."
    )
    client_id: str = Field(
        default="pagestream",
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description="Our name: with the brokers, before transactional ids (ACLs), and as source of our CloudEvents.",
    )
    group: str = Field(default="pagestream", description="Consumer group; workers of one group share the work.")
    topic_prefix: str = Field(
        default="pagestream", description="Topics are named after it: <prefix>.documents and so on."
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="How the brokers are spoken to."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="SCRAM-SHA-512", description="How we log in, with a SASL protocol."
    )
    sasl_username: str = Field(default="", description="User, with a SASL protocol.")
    sasl_password_file: Path | None = Field(default=None, description="File that holds the password.")
    tls_ca_file: Path | None = Field(default=None, description="Authorities to trust; none for the system's.")
    tls_certificate_file: Path | None = Field(default=None, description="Our own certificate, for mutual TLS.")
    tls_key_file: Path | None = Field(default=None, description="Its key.")
    tls_key_password_file: Path | None = Field(default=None, description="File that holds the key's password.")
    session_timeout_s: Seconds = Field(default=10.0, description="How soon the group gives up on a worker that died.")
    transaction_timeout_s: Seconds = Field(
        default=10.0, description="How long a dead worker may hold up readers of results."
    )
    max_event_bytes: Positive = Field(
        default=1_048_576, description="Largest event taken. Retry and dead-letter topics allow 64 KiB more."
    )
    max_page_record_bytes: Positive = Field(
        default=900_000, description="Larger page records go to the results bucket, and the record says where."
    )
    extra: dict[str, str] = Field(
        default_factory=dict, description="Further librdkafka properties; none that holds a secret."
    )

    @model_validator(mode="after")
    def _no_secrets_and_pages_fit(self) -> Self:
        if any(part in name for name in self.extra for part in ("secret", "password", "private", ".pem")):
            raise ValueError("extra may hold no secrets: they would be printed")
        if self.max_page_record_bytes > self.max_event_bytes:
            raise ValueError("max_page_record_bytes exceeds max_event_bytes, which the topics' sizes follow from")
        return self


class StoreSection(Section):
    endpoint: str = Field(default="http://127.0.0.1:9000", description="Address of the S3 store, http:// or https://.")
    region: str = Field(default="us-east-1", description="Region of the buckets.")
    access_key_file: Path | None = Field(
        default=None, description="File that holds the access key; none reads anonymously."
    )
    secret_key_file: Path | None = Field(default=None, description="File that holds the secret key.")
    ca_file: Path | None = Field(default=None, description="Authorities to trust; none for the system's.")
    addressing: Literal["auto", "path", "virtual"] = Field(
        default="auto",
        description="Whether the bucket stands in the path or the host name; auto: in the host at Amazon.",
    )
    input_buckets: frozenset[str] = Field(default=frozenset({"documents"}), description="Buckets that events may name.")
    prefixes: tuple[str, ...] = Field(default=(), description="Keys to take; others pass silently. None takes all.")
    suffixes: tuple[str, ...] = Field(default=(), description="Endings to take, in any case. None takes all.")
    results_bucket: str = Field(default="results", description="Where results go. Never an input bucket.")
    results_prefix: str = Field(default="", description="What keys of results begin with.")
    max_object_bytes: Positive = Field(default=64 * 2**20, description="Largest object that is fetched.")
    fetch_deadline_s: Seconds = Field(default=60.0, description="How long one object may take to arrive.")
    put_deadline_s: Seconds = Field(default=60.0, description="How long one result may take to be written.")
    threads: Positive = Field(default=4, description="Objects fetched at once, and results written at once.")

    @model_validator(mode="after")
    def _results_are_no_input(self) -> Self:
        if self.results_bucket in self.input_buckets:
            raise ValueError("results_bucket is also an input bucket: results would come back as documents")
        return self


class DecodeSection(Section):
    children: Positive = Field(default_factory=lambda: max(2, min(4, cores() // 2)), description="Decoder processes.")
    dpi: int = Field(default=200, ge=72, le=600, description="Resolution of PDF pages, where the event names none.")
    max_pages: Positive = Field(default=2_000, description="Longest document, in pages.")
    max_page_pixels: Positive = Field(
        default=50_000_000, description="Largest page; A4 at 600 dpi has 35 million pixels."
    )
    max_document_pixels: Positive = Field(
        default=10_000_000_000, description="Largest document, in pixels of all pages."
    )
    memory_bytes: Positive = Field(default=2 * 2**30, description="Address space of one decoder process.")
    cpu_s: Positive = Field(default=25, description="What opening a document, or one page, may compute.")
    page_deadline_s: Seconds = Field(default=60.0, description="How long one page may take on a machine under load.")
    secrets_directory: Path | None = Field(
        default=None, description="Where the password secrets that events name are mounted."
    )


class EngineSection(Section):
    name: Literal["onnx", "batched", "paddleocr", "fake"] = Field(
        default="onnx",
        description="What runs the models; batched: as on a GPU, on whatever device, for comparing.",
    )
    profile: str = Field(default="small", description="Which models: tiny, small, or one that was fetched.")
    models_directory: Path = Field(default_factory=models_home, description="Where the models lie.")
    device: Literal["cpu", "cuda", "tensorrt"] = Field(
        default="cpu", description="What they run on. It is that or nothing: there is no fallback."
    )
    precision: Literal["f32", "f16"] = Field(default="f32", description="Arithmetic; f16 needs a GPU.")
    lanes: Positive = Field(
        default_factory=lambda before: _lanes(before.get("name"), before.get("device")),
        description="Threads at work at once: a core each; at most 8 share a GPU, and PaddleOCR has one there.",
    )
    page_side: int = Field(
        default=960, ge=320, le=4000, description="Longer side a page is shown to the detector with, px."
    )
    tables: bool = Field(
        default=True, description="Find layout and tables, where the event does not say. Without them pages have lines."
    )
    correct: bool = Field(
        default=True, description="Correct lines by their page (spelling, amounts), where the event does not say."
    )
    cache_directory: Path = Field(
        default_factory=engines_home, description="Where engines that TensorRT has built for a GPU are kept."
    )
    known_answer_every_s: Seconds = Field(
        default=600.0, description="How often a lane reads its known page again; the first time before any work."
    )


class FlowSection(Section):
    max_documents: int = Field(
        default=64, ge=1, le=256, description="Documents begun and not settled; above, we pause."
    )
    max_page_bytes: Positive = Field(default=512 * 2**20, description="Decoded pages held at once.")
    retry_delays_s: tuple[Positive, ...] = Field(
        default=(10, 60, 600), max_length=8, description="One retry topic each; one more attempt than there are delays."
    )
    environment_tries: int = Field(
        default=6, ge=1, le=20, description="Failures in a row that are no document's fault, before the worker stops."
    )
    max_deaths: int = Field(
        default=3, ge=2, le=10, description="Workers a document may take down before it is given up."
    )
    breaker_run: Positive = Field(default=200, description="Failed documents in a row that stop the worker.")
    breaker_ratio: float = Field(
        default=0.9, gt=0, le=1, description="Share of failed documents that stops the worker."
    )
    breaker_window: Positive = Field(default=1_000, description="Documents the share is taken over.")
    drain_s: Seconds = Field(
        default=60.0, description="How long a stop may take; what is not done by then is read again."
    )
    memory_ceiling_mb: Positive | None = Field(
        default=None,
        description="Resident MiB of this process (its decoders have limits of their own) at which it finishes what is "
        "begun and ends with exit code 5, to be started again. None: never.",
    )


class TelemetrySection(Section):
    service: str = Field(default="pagestream", description="Our name in traces.")
    otlp_endpoint: str | None = Field(
        default=None, pattern=r"^https?://[^@]+$", description="Collector, OTLP over HTTP; none exports no traces."
    )
    ready_file: Path | None = Field(
        default=None, description="File that is there while `run` is ready; one for each worker. None: no file."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="How much is logged.")


class Settings(BaseSettings):
    """The whole tree. Built by `load_settings`."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="PAGESTREAM_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    kafka: KafkaSection = KafkaSection()
    store: StoreSection = StoreSection()
    decode: DecodeSection = Field(default_factory=DecodeSection)
    engine: EngineSection = Field(default_factory=EngineSection)
    flow: FlowSection = FlowSection()
    telemetry: TelemetrySection = TelemetrySection()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = os.environ.get(CONFIG_VARIABLE)
        if file is None:
            return init_settings, env_settings
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls, yaml_file=Path(file))


def load_settings(**overrides: Any) -> Settings:
    """The file PAGESTREAM_CONFIG names, the environment over it, `overrides` over both. Raises Fatal `bad_settings`."""
    file = os.environ.get(CONFIG_VARIABLE)
    if file is not None and not Path(file).is_file():
        raise _bad("The settings file does not exist; correct PAGESTREAM_CONFIG.")
    unknown = sorted(name for name in os.environ if _sets_nothing(name))
    if unknown:
        raise _bad(f"These variables set nothing, correct their names: {', '.join(unknown)}.")
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise _bad(_told(error)) from error
    except SettingsError as error:
        raise _bad(_told_of_text(error)) from error
    except (yaml.YAMLError, ValueError, TypeError) as error:  # a list or text where the tree should be
        raise _bad(_told_of_file(error)) from error


def _sets_nothing(variable: str) -> bool:
    """Of our prefix, with a path, and no section of ours. Fields within a section are checked by the section."""
    name, nested, _ = variable.removeprefix("PAGESTREAM_").lower().partition("__")
    return variable.startswith("PAGESTREAM_") and bool(nested) and name not in Settings.model_fields


def _bad(message: str) -> Fatal:
    return Fatal(message, code="bad_settings", stage="settings")


# --- what is wrong, in words that say what to do; values are not repeated, for one may be a secret -------------------

WHOLE_NUMBER = "give a whole number"
NUMBER = "give a number"
YES_OR_NO = "give true or false"
LIST = "give a list (in a variable as JSON)"

SENTENCES: Mapping[str, str] = {
    "missing": "it must be set",
    "model_type": "it is a section; give settings below it",
    "int_type": WHOLE_NUMBER,
    "int_parsing": WHOLE_NUMBER,
    "int_from_float": WHOLE_NUMBER,
    "bool_type": YES_OR_NO,
    "bool_parsing": YES_OR_NO,
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


def _told(error: ValidationError) -> str:
    """Every mistake, by the path of its field."""
    return f"Correct these settings: {'; '.join(_mistakes(error))}."


def _told_of_text(error: SettingsError) -> str:
    """For a list or tree in a variable. The error names the section in its message, and nowhere else."""
    section = re.search(r'field "(\w+)"', str(error))
    which = f"A PAGESTREAM_{section[1].upper()} variable" if section else "A variable"
    return f'{which} is not JSON: write a list as ["a", "b"], names and values as {{"a": "b"}}.'


def _told_of_file(error: Exception) -> str:
    if not isinstance(error, yaml.YAMLError):
        return "The settings file must hold sections, such as kafka and store, with settings below them; correct it."
    mark = getattr(error, "problem_mark", None)
    where = f", at line {mark.line + 1}" if mark is not None else ""
    return f"The settings file is not YAML{where}; correct it."


def _mistakes(error: ValidationError) -> Iterator[str]:
    for mistake in error.errors(include_input=False, include_url=False):
        kind, path = mistake["type"], mistake["loc"]
        if kind == "extra_forbidden":
            yield f"{_dotted(path)}: {_unknown(path)}"
        elif kind != FOLLOWS:
            ours = SENTENCES.get(kind)
            yield f"{_dotted(path)}: {ours.format_map(mistake.get('ctx', {})) if ours else mistake['msg']}"


def _unknown(path: tuple[int | str, ...]) -> str:
    """The likeliest slip is one of spelling."""
    fields: Mapping[str, Any] = Settings.model_fields
    for name in path[:-1]:
        fields = fields[str(name)].annotation.model_fields
    near = get_close_matches(str(path[-1]), fields, n=1)
    return "there is no such setting" + (f" (did you mean {_dotted((*path[:-1], near[0]))}?)" if near else "")


def _dotted(path: tuple[int | str, ...]) -> str:
    return ".".join(map(str, path))
