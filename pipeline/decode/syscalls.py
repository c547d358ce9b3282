"""A seccomp filter: system calls that a decoder never needs, and one that has been taken over would.

Refused calls fail with EPERM. Needs no privilege beyond no_new_privs, so it holds in ordinary containers, where network
namespaces are forbidden. It is a list of refusals, not of permissions: PDFium reads the system's fonts when it likes.

Threads are allowed, for the decoder of HEIC can't work without one, and they die with the process. Processes are not:
one could outlive it. `clone` starts either, and its flags say which. `clone3` hides its flags in memory, where a filter
can't look: it fails with ENOSYS, upon which the C library takes `clone`.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from typing import Final

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2  # linux/prctl.h, linux/seccomp.h
RET_ALLOW, RET_ERRNO = 0x7FFF0000, 0x00050000  # linux/seccomp.h
LOAD_WORD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # linux/bpf_common.h
NUMBER_AT, ARCHITECTURE_AT, FLAGS_AT = 0, 4, 16  # offsets in struct seccomp_data; FLAGS_AT: low half of argument 1
CLONE_THREAD: Final = 0x00010000  # linux/sched.h
X32_BIT: Final = 0x40000000  # numbers from here on are x86-64's second table: refused whole

ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # linux/audit.h
REFUSED: Final = {  # asm/unistd_64.h and asm-generic/unistd.h
    "x86_64": {
        "socket": 41,
        "socketpair": 53,
        "fork": 57,
        "vfork": 58,
        "execve": 59,
        "kill": 62,
        "ptrace": 101,
        "process_vm_readv": 310,
        "process_vm_writev": 311,
        "execveat": 322,
        "io_uring_setup": 425,  # can open sockets too
    },
    "aarch64": {
        "ptrace": 117,
        "kill": 129,
        "socket": 198,
        "socketpair": 199,
        "execve": 221,
        "process_vm_readv": 270,
        "process_vm_writev": 271,
        "execveat": 281,
        "io_uring_setup": 425,
    },
}


CLONE: Final = {"x86_64": 56, "aarch64": 220}
CLONE3: Final = 435  # on both


class _Program(ctypes.Structure):
    """struct sock_fprog, linux/filter.h"""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def refuse_dangerous_calls() -> None:
    """From here on, for good. Call after no_new_privs. Raises OSError where the system has no such filter."""
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise OSError(errno.ENOSYS, "no filter for this processor")
    code = filter_program(machine)
    program = _Program(len(code) // 8, code)
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def filter_program(machine: str) -> bytes:
    """Classic BPF: refuse another architecture's calls, and those listed; of `clone` allow threads; allow the rest.

    A jump names how many instructions are skipped: the targets lie at the end.
    """
    refused = sorted(REFUSED[machine].values())
    count = len(refused)
    targets = [
        (RETURN, 0, 0, RET_ALLOW),
        (LOAD_WORD, 0, 0, FLAGS_AT),
        (JUMP_ANY_BIT, 0, 1, CLONE_THREAD),
        (RETURN, 0, 0, RET_ALLOW),
        (RETURN, 0, 0, RET_ERRNO | errno.EPERM),
        (RETURN, 0, 0, RET_ERRNO | errno.ENOSYS),
    ]
    clone, refusal, missing = 1, 4, 5
    instructions = [
        (LOAD_WORD, 0, 0, ARCHITECTURE_AT),
        (JUMP_EQUAL, 0, count + 4 + refusal, ARCHITECTURES[machine]),
        (LOAD_WORD, 0, 0, NUMBER_AT),
        (JUMP_AT_LEAST, count + 2 + refusal, 0, X32_BIT),
        (JUMP_EQUAL, count + 1 + missing, 0, CLONE3),
        (JUMP_EQUAL, count + clone, 0, CLONE[machine]),
        *((JUMP_EQUAL, count - 1 - index + refusal, 0, number) for index, number in enumerate(refused)),
        *targets,
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
