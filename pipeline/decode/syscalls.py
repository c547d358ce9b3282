"""A seccomp filter: system calls that a decoder never needs, and one that has been taken over would.

Refused calls fail with EPERM. Needs no privilege beyond no_new_privs, so it holds in ordinary containers, where network
namespaces are forbidden. It is a list of refusals, not of permissions: PDFium reads the system's fonts when it likes.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from typing import Final

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2  # linux/prctl.h, linux/seccomp.h
RET_ALLOW, RET_ERRNO = 0x7FFF0000, 0x00050000  # linux/seccomp.h
LOAD_WORD, JUMP_EQUAL, JUMP_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06  # linux/bpf_common.h
NUMBER_AT, ARCHITECTURE_AT = 0, 4  # offsets in struct seccomp_data
X32_BIT: Final = 0x40000000  # numbers from here on are x86-64's second table: refused whole

ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # linux/audit.h
REFUSED: Final = {  # asm/unistd_64.h and asm-generic/unistd.h
    "x86_64": {
        "socket": 41,
        "socketpair": 53,
        "clone": 56,  # no decoder starts threads, and a process of its own could outlive it
        "fork": 57,
        "vfork": 58,
        "execve": 59,
        "kill": 62,
        "ptrace": 101,
        "process_vm_readv": 310,
        "process_vm_writev": 311,
        "execveat": 322,
        "io_uring_setup": 425,  # can open sockets too
        "clone3": 435,
    },
    "aarch64": {
        "ptrace": 117,
        "kill": 129,
        "socket": 198,
        "socketpair": 199,
        "clone": 220,
        "execve": 221,
        "process_vm_readv": 270,
        "process_vm_writev": 271,
        "execveat": 281,
        "io_uring_setup": 425,
        "clone3": 435,
    },
}


class _Program(ctypes.Structure):
    """struct sock_fprog, linux/filter.h"""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def refuse_dangerous_calls() -> None:
    """From here on, for good. Call after no_new_privs. Raises OSError where the system has no such filter."""
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise OSError(errno.ENOSYS, "no filter for this processor")
    code = filter_program(ARCHITECTURES[machine], sorted(REFUSED[machine].values()))
    program = _Program(len(code) // 8, code)
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def filter_program(architecture: int, refused: list[int]) -> bytes:
    """Classic BPF: refuse another architecture's calls, and `refused`; allow the rest."""
    count = len(refused)
    instructions = [
        (LOAD_WORD, 0, 0, ARCHITECTURE_AT),
        (JUMP_EQUAL, 0, count + 3, architecture),
        (LOAD_WORD, 0, 0, NUMBER_AT),
        (JUMP_AT_LEAST, count + 1, 0, X32_BIT),
        *((JUMP_EQUAL, count - index, 0, number) for index, number in enumerate(refused)),
        (RETURN, 0, 0, RET_ALLOW),
        (RETURN, 0, 0, RET_ERRNO | errno.EPERM),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
