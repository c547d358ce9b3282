"""What every command has in common: how it is found, how it ends, what it prints."""

from __future__ import annotations

import signal
import subprocess
import sys
from io import StringIO

import orjson
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from connectors.errors import FAILURES, failure
from pipeline.__main__ import app
from pipeline.commands import check
from pipeline.commands.exits import complain, told_plainly
from pipeline.commands.outcomes import Ended, ended, json_line, rows
from pipeline.commands.sentences import LOCAL
from pipeline.commands.terminal import show_card, shown
from pipeline.decode.refusals import MESSAGES
from pipeline.engines.fake import FakeEngine, Fault
from pipeline.errors import Environment, Fatal
from pipeline.topics import Topics
from schemas.failures import Origin, dead_letter_headers
from schemas.record import Partition, Record
from tests.worker import notification

TOPICS = Topics.under("pagestream", (10,))
STILL_AT_WORK = """
import atexit, threading
import pipeline.__main__ as main

def app():
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    print("told")
    raise SystemExit(130)

atexit.register(print, "python's own way out")
main.app = app
main.main()
"""


def test_the_version_is_told():
    """--version prints it and nothing else."""
    ended = CliRunner().invoke(app, ["--version"])
    assert (ended.exit_code, ended.stdout.split()[0], len(ended.stdout.split())) == (0, "pagestream", 2)


def test_an_unknown_command_names_the_nearest():
    """A slip of the keys is answered with the command that was meant; what resembles nothing is not."""
    near, far = CliRunner().invoke(app, ["sumbit"]), CliRunner().invoke(app, ["frobnicate"])
    assert (near.exit_code, far.exit_code) == (2, 2)
    assert "'submit'" in near.stderr
    assert "mean" not in far.stderr


def test_a_process_with_threads_at_work_leaves_at_once():
    """Output is flushed, the exit code kept, and Python's own way out is not taken: it would abort native threads."""
    left = subprocess.run(
        [sys.executable, "-c", STILL_AT_WORK], capture_output=True, text=True, timeout=60, check=False
    )
    assert (left.returncode, left.stdout, left.stderr) == (130, "told\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_service_told_to_stop_before_it_has_begun_has_stopped_as_asked(number):
    """While the modules of `run` are still being imported, a signal ends it with exit code 0 and no word."""
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "pipeline", "run"], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert any(line.rstrip().endswith(" connectors") for line in process.stderr)
        process.send_signal(number)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 0
    assert [line for line in told.splitlines() if not line.startswith("import time:")] == []


@pytest.mark.parametrize("message", ["run `pip install -e '.[paddle]'`.", "close [/b] and [red]", ":smile:"])
def test_a_message_is_printed_as_it_is(message, capsys):
    """Nothing in it is taken for markup; it is one line, however long."""
    with pytest.raises(typer.Exit) as left, told_plainly():
        raise Fatal(message * 5, code="some_code")
    assert left.value.exit_code == 4
    assert capsys.readouterr().err == f"some_code: {message * 5}\n"


def test_a_command_may_know_better_what_to_do(capsys):
    """Its own sentence for a code takes the place of the part's."""
    with pytest.raises(typer.Exit) as left, told_plainly({"topic_missing": "Do this."}):
        raise Environment("Do that.", code="topic_missing")
    assert (left.value.exit_code, capsys.readouterr().err) == (3, "topic_missing: Do this.\n")


@pytest.mark.parametrize("sentences", [{}, {"bucket_missing": "Do this."}])
def test_a_person_is_told_where(sentences, capsys):
    """Bucket, topic or address follow the sentence, on the same line, whoever wrote the sentence."""
    error = failure("bucket_missing", "check", "bucket scans, store http://127.0.0.1:9000")
    with pytest.raises(typer.Exit), told_plainly(sentences):
        raise error
    sentence = sentences.get("bucket_missing", error.message)
    told = f"bucket_missing: {sentence} (bucket scans, store http://127.0.0.1:9000)\n"
    assert capsys.readouterr().err == told


def test_check_tells_where(monkeypatch):
    """A part that is not there is shown with its address."""
    monkeypatch.setenv("PAGESTREAM_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setattr("pipeline.commands.preflight.TIMEOUT_S", 0.2)
    monkeypatch.setattr(check, "PARTS", {"broker": check.PARTS["broker"]})
    ended = CliRunner().invoke(app, ["check"])
    table, _ = ended.stdout.split("Settings in effect")
    assert ended.exit_code == 3
    assert "brokers 127.0.0.1:1" in table


@pytest.mark.parametrize("code", FAILURES)
def test_what_travels_says_no_place(code):
    """The message, which goes into headers, is the sentence of its code, wherever the failure was."""
    assert failure(code, "fetch", "bucket scans").message == failure(code, "fetch").message == FAILURES[code][1]


def test_what_is_said_of_local_files_names_no_option_of_the_service():
    """Every refusal that speaks of an event's options, or of an upload, has a sentence of its own for local files."""
    told = {code: LOCAL.get(code, message) for code, message in MESSAGES.items()}
    assert [code for code, sentence in told.items() if "options." in sentence or "upload" in sentence] == []


def test_names_stay_on_one_line():
    """Brackets are kept, control signs and bytes that are no text are escaped."""
    assert shown("a[/b] ü.pdf") == "a[/b] ü.pdf"
    assert shown("new\nline") == "'new\\nline'"
    assert shown("latin-\udce9").isprintable()


def test_behind_a_pipe_nothing_is_cut():
    """Without a terminal a card is `name: value` lines of any length, and keeps brackets."""
    file = StringIO()
    show_card(Console(file=file, markup=False, width=20), {"key": "[draft]" * 20, "trace": "f" * 32})
    assert file.getvalue() == f"key: {'[draft]' * 20}\ntrace: {'f' * 32}\n\n"


def test_on_a_terminal_a_card_is_whole():
    """Long values are folded, none is cut."""
    file = StringIO()
    show_card(Console(file=file, markup=False, width=40, force_terminal=True), {"trace": "0123456789abcdef" * 4})
    assert "…" not in file.getvalue()
    assert sum(file.getvalue().count(digit) for digit in "0123456789abcdef") >= 64


def dead(key: str) -> Ended:
    origin = Origin("pagestream.documents", 3, 17, 1)
    headers = dead_letter_headers((), origin, code="x", stage="fetch", message="Mend it.", attempts=1)
    record = Record(Partition(TOPICS.dead_letter, 0), 5, None, notification("first", key), headers, 1_700_000_000_000)
    found = ended(record, TOPICS)
    assert found is not None
    return found


def test_an_outcome_says_where_its_event_lies():
    """Topic, partition, offset and index, as the worker's log has them; the document is the one of that index."""
    one = dead("a b[/c].pdf")
    assert (one.key, one.event) == ("a b[/c].pdf", "pagestream.documents/3/17/1")
    assert rows(one)["event"] == one.event
    assert rows(one)["what to do"] == "Mend it."


def test_an_outcome_is_one_json_object():
    """On one line, with null for what is not known."""
    line = json_line(dead('a "b".pdf'))
    assert "\n" not in line
    said = orjson.loads(line)
    assert (said["key"], said["status"], said["document_id"], said["pages"]) == ('a "b".pdf', "dead", None, None)
    assert said["time"] == "2023-11-14T22:13:20.000Z"


def test_consoles_take_nothing_for_markup():
    """The one for complaints prints keys of every kind."""
    with complain.capture() as printed:
        complain.print("a[/b].pdf [draft] [bold]", soft_wrap=True)
    assert printed.get() == "a[/b].pdf [draft] [bold]\n"


@pytest.mark.parametrize(("broken", "code", "told"), [(None, 0, "2 lanes"), (1, 4, "known_answer_failed")])
def test_check_asks_every_lane(monkeypatch, broken, code, told):
    """One lane of several that does not read its known page is enough to say so."""
    engines = [FakeEngine(always=Fault.GARBAGE if lane == broken else None) for lane in range(2)]
    monkeypatch.setenv("PAGESTREAM_ENGINE__NAME", "fake")
    monkeypatch.setattr("pipeline.app.load_engines", lambda settings: engines)
    monkeypatch.setattr(check, "PARTS", {"engine": check.PARTS["engine"]})
    ended = CliRunner().invoke(app, ["check"])
    assert ended.exit_code == code
    assert told in ended.stdout
