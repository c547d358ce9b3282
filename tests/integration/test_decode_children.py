"""Real children: whatever a document does to its decoder, the next one is served."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.decode.decoder import Decoder
from pipeline.decode.formats import Format
from pipeline.decode.limits import MIB, DecodeLimits
from pipeline.decode.process import PACKAGE_ROOT
from pipeline.errors import Fatal, Rejected, Retryable
from tests.documents import (
    CORNERS,
    PdfPageSpec,
    corners,
    encrypted_pdf,
    make_image,
    make_pdf,
    make_tiff,
    quarters,
    quarters_at,
    quarters_pdf,
    slow_content,
)

PATIENCE = 20.0
PNG = make_image(quarters(), "PNG")
JPEG = make_image(quarters(600, 400), "JPEG")
PLAIN = PdfPageSpec(content=quarters_at(0, 0, 60, 40))
SLOW_SECOND_PAGE = make_pdf([PLAIN, PdfPageSpec(content=slow_content()), PLAIN])
INFLATES_TO_200_MB = make_pdf([PLAIN, PdfPageSpec(content=b"0 " * 100_000_000), PLAIN])

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came to pass"
        threading.Event().wait(0.01)


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def child_of(decoder: Decoder) -> int:
    assert decoder.child_pid is not None
    return decoder.child_pid


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    with Decoder() as made:
        yield made


def serves(decoder: Decoder) -> bool:
    opened = decoder.open(PNG)
    return opened.page_count == 1 and corners(decoder.render(1).image) == CORNERS


def test_a_page_arrives_as_promised(decoder: Decoder) -> None:
    """An image is (height, width, 3) uint8 BGR, contiguous and the receiver's to write on."""
    opened = decoder.open(quarters_pdf(2), dpi=144)
    page = decoder.render(2)
    assert (opened.format, opened.page_count) == (Format.PDF, 2)
    assert (page.number, page.dpi, page.warnings) == (2, 144, ())
    assert page.image.shape == (80, 120, 3)
    assert page.image.dtype == np.uint8
    assert page.image.flags.c_contiguous
    assert page.image.flags.writeable
    assert corners(page.image) == CORNERS


def test_a_large_page_arrives_whole(decoder: Decoder) -> None:
    """A page of many pipefuls loses no byte."""
    noise = np.random.default_rng(1).integers(0, 256, (3000, 2000, 3), np.uint8)
    decoder.open(make_image(Image.fromarray(noise[:, :, ::-1]), "BMP"))
    assert np.array_equal(decoder.render(1).image, noise)


@pytest.mark.parametrize("form", [Format.JPEG2000, Format.AVIF, Format.HEIF])
def test_decoders_of_newer_formats_work_confined(decoder: Decoder, form: Format) -> None:
    """Their libraries start threads or no threads: either way they get what they need."""
    opened = decoder.open(make_image(quarters(), form.name))
    page = decoder.render(1)
    assert opened.format is form
    assert (page.warnings, corners(page.image)) == ((), CORNERS)


def outcome(decoder: Decoder, document: bytes) -> str:
    try:
        decoder.open(document)
        decoder.render(1)
    except Rejected as error:
        return error.code
    return "served"


REFUSED: dict[str, tuple[bytes, DecodeLimits]] = {
    "empty_file": (b"", DecodeLimits()),
    "unsupported_format": (b"PK\x03\x04 and so on", DecodeLimits()),
    "corrupt_image": (JPEG[: len(JPEG) // 2], DecodeLimits()),
    "corrupt_pdf": (b"%PDF-1.7\n%%EOF", DecodeLimits()),
    "encrypted_pdf": (encrypted_pdf("glove"), DecodeLimits()),
    "unsupported_encryption": (
        encrypted_pdf("", algorithm="RC4-128").replace(b"/Standard", b"/Whatever"),
        DecodeLimits(),
    ),
    "too_many_pages": (quarters_pdf(3), DecodeLimits(max_pages=2)),
    "page_too_large": (make_pdf([PdfPageSpec(media_box=(0, 0, 100_000, 100_000))]), DecodeLimits()),
    "document_too_large": (quarters_pdf(3), DecodeLimits(max_document_pixels=40_000)),
    "decode_timeout": (make_pdf([PdfPageSpec(content=slow_content())]), DecodeLimits(cpu_seconds=1)),
    "decoder_killed": (make_pdf([PdfPageSpec(content=b"0 " * 100_000_000)]), DecodeLimits(memory_bytes=256 * MIB)),
}


@pytest.mark.parametrize("code", REFUSED)
def test_every_refusal_leaves_a_working_decoder(code: str) -> None:
    """Each bad document is refused with its code, and the next document is served."""
    document, limits = REFUSED[code]
    with Decoder(limits) as decoder:
        assert outcome(decoder, document) == code
        assert serves(decoder)


def test_a_wrong_password_leaves_a_working_decoder(decoder: Decoder) -> None:
    """A wrong password is said, the right one opens."""
    with pytest.raises(Rejected) as caught:
        decoder.open(encrypted_pdf("glove"), password="boot")
    assert caught.value.code == "wrong_password"
    decoder.open(encrypted_pdf("glove"), password="glove")
    assert corners(decoder.render(1).image) == CORNERS


def test_a_page_that_is_not_there_costs_nothing(decoder: Decoder) -> None:
    """A page number out of range is refused; the document stays open."""
    decoder.open(quarters_pdf(2))
    with pytest.raises(Rejected) as caught:
        decoder.render(3)
    assert caught.value.code == "page_out_of_range"
    assert corners(decoder.render(2).image) == CORNERS


@pytest.mark.parametrize(
    ("document", "limits", "code"),
    [
        (SLOW_SECOND_PAGE, DecodeLimits(cpu_seconds=1), "decode_timeout"),
        (INFLATES_TO_200_MB, DecodeLimits(memory_bytes=256 * MIB), "decoder_killed"),
    ],
    ids=["slow", "greedy"],
)
def test_a_page_that_kills_costs_itself(document: bytes, limits: DecodeLimits, code: str) -> None:
    """Of three pages the one that ends its child is refused, the other two are served."""
    with Decoder(limits) as decoder:
        decoder.open(document)
        assert corners(decoder.render(1).image) == CORNERS
        with pytest.raises(Rejected) as caught:
            decoder.render(2)
        assert caught.value.code == code
        assert corners(decoder.render(3).image) == CORNERS


def test_memory_an_image_may_not_have_is_refused() -> None:
    """An image within the pixel limit but over the memory limit is refused in good order."""
    with Decoder(DecodeLimits(memory_bytes=160 * MIB)) as decoder:
        decoder.open(make_image(Image.new("RGB", (7_000, 7_000)), "PNG"))
        with pytest.raises(Rejected) as caught:
            decoder.render(1)
        assert caught.value.code == "page_too_large"
        assert serves(decoder)


def test_guesses_of_the_decoder_are_flagged(decoder: Decoder) -> None:
    """A fax whose data is damaged is read as far as it goes, and its page warns of it."""
    speckles = Image.fromarray(np.random.default_rng(3).integers(0, 2, (200, 300), np.uint8) * 255).convert("1")
    fax = bytearray(make_image(speckles, "TIFF", compression="group4"))
    decoder.open(bytes(fax))
    assert decoder.render(1).warnings == ()
    fax[len(fax) // 2] ^= 0xFF
    decoder.open(bytes(fax))
    assert decoder.render(1).warnings == ("data_damaged",)


@linux_only
def test_a_child_that_hangs_is_killed_at_its_deadline() -> None:
    """No answer in time is the machine's fault before the document's: it may be retried, and the child is gone."""
    with Decoder(DecodeLimits(page_seconds=1.0)) as decoder:
        decoder.open(quarters_pdf(2))
        stuck = child_of(decoder)
        os.kill(stuck, signal.SIGSTOP)
        with pytest.raises(Retryable) as caught:
            decoder.render(1)
        assert caught.value.code == "decoder_stalled"
        assert not running(stuck)
        assert corners(decoder.render(2).image) == CORNERS


@linux_only
def test_a_document_larger_than_a_pipe_meets_its_deadline_too() -> None:
    """Handing over a document never waits for a child that doesn't read."""
    with Decoder(DecodeLimits(open_seconds=1.0)) as decoder:
        decoder.open(PNG)
        decoder.close_document()
        os.kill(child_of(decoder), signal.SIGSTOP)
        with pytest.raises(Retryable) as caught:
            decoder.open(b"%PDF-" + bytes(8 * MIB))
        assert caught.value.code == "decoder_stalled"


@linux_only
def test_a_child_killed_at_work_may_be_retried() -> None:
    """SIGKILL comes from outside: the document is not to blame."""
    with Decoder() as decoder:
        decoder.open(SLOW_SECOND_PAGE)
        pid = child_of(decoder)

        def kill_at_work() -> None:
            before = _cpu_ticks(pid)
            eventually(lambda: _cpu_ticks(pid) > before + 10)
            os.kill(pid, signal.SIGKILL)

        killer = threading.Thread(target=kill_at_work)
        killer.start()
        with pytest.raises(Retryable) as caught:
            decoder.render(2)
        killer.join(PATIENCE)
        assert caught.value.code == "decoder_died"
        assert corners(decoder.render(3).image) == CORNERS


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@linux_only
def test_a_child_killed_at_rest_is_not_missed(decoder: Decoder) -> None:
    """A child that dies between two requests is replaced, and the document opened again."""
    decoder.open(quarters_pdf(2))
    resting = child_of(decoder)
    os.kill(resting, signal.SIGKILL)
    eventually(lambda: not running(resting))
    assert corners(decoder.render(2).image) == CORNERS


@pytest.mark.parametrize("limits", [DecodeLimits(recycle_documents=1), DecodeLimits(recycle_bytes=1)])
@linux_only
def test_children_are_recycled(limits: DecodeLimits) -> None:
    """A child that has served its documents, or grown over its ceiling, is replaced."""
    with Decoder(limits) as decoder:
        seen = set()
        for _ in range(3):
            assert serves(decoder)
            seen.add(child_of(decoder))
        assert len(seen) == 3


@linux_only
def test_the_child_is_given_nothing(monkeypatch: pytest.MonkeyPatch, decoder: Decoder) -> None:
    """No secret of ours in its environment, no file of ours open, no library of ours loaded, limits in force."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    with (PACKAGE_ROOT / "pyproject.toml").open("rb") as ours:
        os.set_inheritable(ours.fileno(), True)
        assert serves(decoder)
    proc = Path(f"/proc/{child_of(decoder)}")
    names = {entry.partition(b"=")[0] for entry in (proc / "environ").read_bytes().split(b"\0") if entry}
    assert names == {b"PATH", b"LANG", b"PYTHONPATH", b"PYTHONDONTWRITEBYTECODE"}
    assert not [link for link in (proc / "fd").iterdir() if "pyproject" in str(link.readlink())]
    libraries = (proc / "maps").read_text()
    assert not [name for name in ("numpy", "onnxruntime", "cv2", "confluent_kafka") if name in libraries]
    assert "NoNewPrivs:\t1" in (proc / "status").read_text()
    in_force = {line[:25].strip(): line[25:].split()[0] for line in (proc / "limits").read_text().splitlines()[1:]}
    assert in_force["Max address space"] == str(2_048 * MIB)
    assert in_force["Max core file size"] == in_force["Max file size"] == "0"
    assert in_force["Max cpu time"] != "unlimited"


@linux_only
def test_confinement_holds(tmp_path: Path) -> None:
    """A confined process can't open a socket, start a program or process, signal another, or write a file."""
    script = tmp_path / "confined.py"
    script.write_text(
        "import os, socket, sys\n"
        "from pipeline.decode.confine import confine\n"
        "from pipeline.decode.limits import DecodeLimits\n"
        "held = confine(DecodeLimits(), parent=os.getppid())\n"
        "file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)\n"
        "attempts = {\n"
        "    'socket': socket.socket,\n"
        "    'program': lambda: os.execv('/bin/true', ['true']),\n"
        "    'process': os.fork,\n"
        "    'signal': lambda: os.kill(os.getppid(), 0),\n"
        "    'file': lambda: os.write(file, b'x'),\n"
        "}\n"
        "for name, attempt in attempts.items():\n"
        "    try:\n"
        "        attempt()\n"
        "    except OSError:\n"
        "        held += (name,)\n"
        "print(*held)\n"
    )
    said = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "file")],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(PACKAGE_ROOT)},
        timeout=PATIENCE,
        check=True,
    ).stdout.decode()
    held = set(said.split())
    assert {"resources", "no_new_privileges", "dies_with_parent", "file"} <= held
    if "no_network_no_programs" not in held:
        pytest.skip("this kernel or container has no seccomp filters")
    assert {"socket", "program", "process", "signal"} <= held


def test_confinement_is_told(decoder: Decoder) -> None:
    """What the child has given up can be asked for a report, before any document."""
    assert "resources" in decoder.confinement()
    assert serves(decoder)


@linux_only
def test_the_child_dies_with_its_parent(tmp_path: Path) -> None:
    """A parent killed outright leaves no child behind, not even one that is stuck."""
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, signal\n"
        "from pipeline.decode.decoder import Decoder\n"
        "decoder = Decoder()\n"
        "try:\n"
        "    decoder.open(b'')\n"
        "except Exception:\n"
        "    pass\n"
        "os.kill(decoder.child_pid, signal.SIGSTOP)\n"
        "print(decoder.child_pid, flush=True)\n"
        "signal.pause()\n"
    )
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, env={"PYTHONPATH": str(PACKAGE_ROOT)}
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert running(child)
        parent.kill()
    eventually(lambda: not running(child))


@linux_only
def test_nothing_is_left_behind() -> None:
    """Decoders that come and go leave neither processes nor open files."""
    with Decoder() as decoder:
        serves(decoder)
    before = len(list(Path("/proc/self/fd").iterdir()))
    children = []
    for _ in range(3):
        with Decoder() as decoder:
            serves(decoder)
            children.append(child_of(decoder))
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert not any(map(running, children))


def test_a_decoder_that_can_not_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation that can't decode stops the service; it doesn't refuse every document."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with Decoder() as decoder, pytest.raises(Fatal) as caught:
        decoder.open(PNG)
    assert caught.value.code == "decoder_unavailable"


LIES = {
    "a page over the limit": "say(page(width=100_000, height=100_000), 3 * 10**10)",
    "a page of another number": "say(page(number=2), 3)",
    "a body of another size": "say(page(), 4)",
    "an answer to another question": "say({'say': 'closed'})",
    "words of its own": "say({'say': 'failed', 'code': 'the text of a document'})",
    "a header without end": "os.write(1, PREFIX.pack(2**32 - 1, 0))",
    "no protocol at all": "os.write(1, b'Segmentation fault, or so we say')",
    "hanging up without going": "os.close(1)",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_child_that_has_been_taken_over_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lie: str
) -> None:
    """A child that lies is killed, tried once more, and its page refused; nothing of what it says goes further."""
    script = tmp_path / "child"
    script.write_text(
        f"#!{sys.executable}\n"
        "import os, time\n"
        "from pipeline.decode.protocol import PREFIX, frame\n"
        "def say(header, size=0):\n"
        "    os.write(1, frame(header, size))\n"
        "def page(**claims):\n"
        "    honest = {'say': 'page', 'number': 1, 'width': 1, 'height': 1, 'dpi': None, 'warnings': []}\n"
        "    return {**honest, **claims}\n"
        "say({'say': 'ready', 'confinement': []})\n"
        "os.read(0, 65536)\n"
        "say({'say': 'opened', 'format': 'image/png', 'sizes': [[1, 1]]})\n"
        "os.read(0, 65536)\n"
        f"{LIES[lie]}\n"
        "while os.read(0, 65536):\n"
        "    pass\n"
    )
    script.chmod(0o700)
    with Decoder() as decoder:
        with monkeypatch.context() as patched:
            patched.setattr(sys, "executable", str(script))
            decoder.open(b"x")
            with pytest.raises(Rejected) as caught:
                decoder.render(1)
        assert caught.value.code == "decoder_killed"
        assert serves(decoder)


def test_stray_prints_are_not_replies() -> None:
    """Whatever a library prints in the child, only replies reach the parent."""
    script = (
        "import os\n"
        "from pipeline.decode.child import Complaints\n"
        "out = os.dup(1)\n"
        "complaints = Complaints()\n"
        "os.write(1, b'stray')\n"
        "os.write(2, b'stray')\n"
        "os.write(out, b'reply' if complaints.heard() and not complaints.heard() else b'deaf')\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(PACKAGE_ROOT)},
        timeout=PATIENCE,
        check=True,
    ).stdout
    assert said == b"reply"


def test_two_threads_have_a_decoder_each() -> None:
    """Decoders don't disturb one another."""
    results: list[tuple[int, bool]] = []

    def work(shade: int) -> None:
        with Decoder() as decoder:
            decoder.open(make_tiff([Image.new("L", (50 + shade, 40), shade)] * 5))
            pages = [decoder.render(number).image for number in range(1, 6)]
            results.append((shade, all(page.shape[1] == 50 + shade and (page == shade).all() for page in pages)))

    threads = [threading.Thread(target=work, args=(shade,)) for shade in (10, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(results) == [(10, True), (200, True)]
