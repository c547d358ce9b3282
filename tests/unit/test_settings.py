"""Where settings come from, which are refused, and that secrets are no settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.app import batch_policies, flow_policy, kafka_settings, store_settings
from pipeline.commands.preflight import topic_specs, topics_of
from pipeline.core.events import STAGES
from pipeline.errors import Fatal
from pipeline.settings import SENTENCES, Settings, load_settings


def test_a_variable_sets_the_field_its_name_spells(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment reaches every field by its path."""
    monkeypatch.setenv("PAGESTREAM_STORE__ENDPOINT", "https://store.example:9443")
    monkeypatch.setenv("PAGESTREAM_STORE__INPUT_BUCKETS", '["scans", "faxes"]')
    monkeypatch.setenv("PAGESTREAM_FLOW__RETRY_DELAYS_S", "[1, 2]")
    settings = load_settings()
    assert settings.store.endpoint == "https://store.example:9443"
    assert settings.store.input_buckets == {"scans", "faxes"}
    assert settings.flow.retry_delays_s == (1, 2)


def test_variables_win_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file sets what the environment leaves open."""
    file = tmp_path / "pagestream.yaml"
    file.write_text("kafka: {group: from-file, topic_prefix: from-file}\n")
    monkeypatch.setenv("PAGESTREAM_CONFIG", str(file))
    monkeypatch.setenv("PAGESTREAM_KAFKA__GROUP", "from-environment")
    settings = load_settings()
    assert settings.kafka.group == "from-environment"
    assert settings.kafka.topic_prefix == "from-file"


@pytest.mark.parametrize(
    "wrong",
    [
        {"kafka": {"grup": "x"}},
        {"flow": {"max_documents": 1_000}},
        {"engine": {"device": "tpu"}},
        {"store": {"input_buckets": ["results"], "results_bucket": "results"}},
        {"decode": {"dpi": 10}},
        {"kafka": {"max_event_bytes": 100_000, "max_page_record_bytes": 200_000}},
        {"kafka": {"extra": {"sasl.oauthbearer.client.secret": "x"}}},
        {"telemetry": {"otlp_endpoint": "http://user:secret@collector:4318"}},
    ],
)
def test_what_can_not_work_is_refused_by_name(wrong: dict[str, object]) -> None:
    """Unknown fields, values out of range, and a results bucket that is also an input stop the start."""
    with pytest.raises(Fatal, match=next(iter(wrong))) as refused:
        load_settings(**wrong)
    assert refused.value.code == "bad_settings"


def test_a_list_that_is_no_json_is_told_by_its_field(monkeypatch: pytest.MonkeyPatch) -> None:
    """The likeliest slip names its variable and the way to write it."""
    monkeypatch.setenv("PAGESTREAM_STORE__INPUT_BUCKETS", "scans")
    with pytest.raises(Fatal, match=r"STORE.*JSON") as refused:
        load_settings()
    assert "scans" not in refused.value.message


def test_a_misspelt_section_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that sets nothing is a mistake, never passed over."""
    monkeypatch.setenv("PAGESTREAM_STROE__ENDPOINT", "https://store.example")
    with pytest.raises(Fatal, match="PAGESTREAM_STROE__ENDPOINT"):
        load_settings()


def test_a_refusal_does_not_repeat_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was put into the wrong field may be a secret."""
    monkeypatch.setenv("PAGESTREAM_KAFKA__SECURITY_PROTOCOL", "hunter2")
    with pytest.raises(Fatal) as refused:
        load_settings()
    assert "hunter2" not in refused.value.message


@pytest.mark.parametrize("text", ["{", "- a list", "kafka: 3"])
def test_a_file_that_is_no_settings_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    """A broken settings file is told in a sentence, not a traceback."""
    file = tmp_path / "pagestream.yaml"
    file.write_text(text)
    monkeypatch.setenv("PAGESTREAM_CONFIG", str(file))
    with pytest.raises(Fatal):
        load_settings()


def test_a_missing_file_is_not_passed_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """PAGESTREAM_CONFIG names a file that must be there."""
    monkeypatch.setenv("PAGESTREAM_CONFIG", str(tmp_path / "nowhere.yaml"))
    with pytest.raises(Fatal, match="PAGESTREAM_CONFIG"):
        load_settings()


def test_every_field_tells_an_operator_what_it_is() -> None:
    """No setting without a sentence."""
    for section in Settings.model_fields.values():
        fields = section.annotation.model_fields  # type: ignore[union-attr]
        assert all(field.description and field.description.endswith(".") for field in fields.values())


def test_retry_and_dead_letter_topics_take_more_than_the_input() -> None:
    """An event of the largest size can be dead-lettered, our headers on top."""
    settings = load_settings()
    topics = topics_of(settings)
    sizes = {
        spec.name: int(spec.configs["max.message.bytes"]) for spec in topic_specs(settings, partitions=1, replication=1)
    }
    assert set(sizes) == {
        topics.documents, topics.pages, topics.results, topics.dead_letter, *topics.retry.values()
    }  # fmt: skip
    assert all(size == sizes[topics.documents] + 65_536 for name, size in sizes.items() if name != topics.documents)
    assert kafka_settings(settings).max_record_bytes > max(sizes.values())


def test_the_core_is_told_of_every_retry_topic() -> None:
    """A record of a retry topic is recognised as one."""
    settings = load_settings(flow={"retry_delays_s": (5, 50)})
    policy = flow_policy(settings, topics_of(settings), lanes=2)
    assert policy.retry_topics == {"pagestream.retry.5s", "pagestream.retry.50s"}
    assert policy.retry.delays_s == (5, 50)


@pytest.mark.parametrize("device", ["cpu", "cuda", "tensorrt"])
def test_every_stage_has_a_batch_policy(device: str) -> None:
    """Whatever the device, no stage is left without limits."""
    assert set(batch_policies(load_settings(engine={"device": device}))) == set(STAGES)


def test_the_store_is_reached_as_set() -> None:
    """Address, region and files of the store go to its connector unchanged."""
    settings = load_settings(store={"endpoint": "https://s3.example", "region": "eu-1", "ca_file": __file__})
    built = store_settings(settings)
    assert (built.endpoint, built.region, str(built.ca_file)) == ("https://s3.example", "eu-1", __file__)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"kafka": {"grup": "x"}}, "kafka.grup: there is no such setting (did you mean kafka.group?)"),
        ({"kafak": {}}, "kafak: there is no such setting (did you mean kafka?)"),
        ({"flow": {"xyz": 1}}, "flow.xyz: there is no such setting"),
        ({"flow": 3}, "flow: it is a section; give settings below it"),
        ({"flow": {"max_documents": 1_000}}, "flow.max_documents: give 256 or less"),
        ({"flow": {"drain_s": 0}}, "flow.drain_s: give more than 0"),
        ({"flow": {"breaker_ratio": "most"}}, "flow.breaker_ratio: give a number"),
        ({"flow": {"retry_delays_s": [10, "x"]}}, "flow.retry_delays_s.1: give a whole number"),
        ({"flow": {"retry_delays_s": [1] * 9}}, "flow.retry_delays_s: give at most 8 of them"),
        ({"flow": {"retry_delays_s": 10}}, "flow.retry_delays_s: give a list (in a variable as JSON)"),
        ({"store": {"input_buckets": "a"}}, "store.input_buckets: give a list (in a variable as JSON)"),
        ({"engine": {"device": "tpu"}}, "engine.device: give 'cpu', 'cuda' or 'tensorrt'"),
        ({"kafka": {"extra": [1]}}, "kafka.extra: give names, each with its value (in a variable as JSON)"),
        ({"kafka": {"group": 5}}, "kafka.group: give text; quote what looks like a number"),
        (
            {"kafka": {"extra": {"password": "x"}}, "decode": {"dpi": 10.5}},
            "kafka: extra may hold no secrets: they would be printed; decode.dpi: give a whole number",
        ),
    ],
)
def test_a_mistake_is_told_in_words_that_say_what_to_do(wrong: dict[str, object], told: str) -> None:
    """Each by the path of its field, and nothing else: a default that hangs on a wrong field is no mistake."""
    with pytest.raises(Fatal) as refused:
        load_settings(**wrong)
    assert refused.value.message == f"Correct these settings: {told}."


KINDS = {
    "exclusiveMinimum": "greater_than", "minimum": "greater_than_equal", "maximum": "less_than_equal",
    "exclusiveMaximum": "less_than", "multipleOf": "multiple_of", "pattern": "string_pattern_mismatch",
    "enum": "literal_error", "maxItems": "too_long", "minItems": "too_short", "maxLength": "string_too_long",
    "minLength": "string_too_short", "integer": "int_parsing", "number": "float_parsing", "string": "string_type",
    "boolean": "bool_parsing", "array": "tuple_type", "uniqueItems": "frozen_set_type", "object": "dict_type",
}  # fmt: skip
"""Words of JSON Schema, and pydantic's names for a value that they refuse."""


def words_of(schema: Any) -> set[str]:
    """Those a schema uses."""
    if isinstance(schema, dict):
        return set(schema).union(*map(words_of, schema.values()))
    if isinstance(schema, list):
        return set().union(*map(words_of, schema))
    return {schema} if isinstance(schema, str) else set()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_kind_of_mistake_has_its_words(name: str) -> None:
    """Whatever limits and types a section's fields have, there is a sentence of ours for a value they refuse."""
    section: Any = Settings.model_fields[name].annotation
    kinds = {KINDS[word] for word in words_of(section.model_json_schema()) & KINDS.keys()}
    assert kinds > {"dict_type"}
    assert kinds <= SENTENCES.keys()


@pytest.mark.parametrize(("text", "told"), [("kafka:\n  group: [a\n", "not YAML, at line 3"), ("- a\n", "sections")])
def test_a_broken_file_is_told_by_what_breaks_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, told: str
) -> None:
    """What is no YAML by its line; what is YAML, and no tree of settings, by what it should hold."""
    file = tmp_path / "pagestream.yaml"
    file.write_text(text)
    monkeypatch.setenv("PAGESTREAM_CONFIG", str(file))
    with pytest.raises(Fatal, match=told):
        load_settings()
