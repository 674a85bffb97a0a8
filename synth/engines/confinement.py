"""A process that shuts itself in before it reads what it does not trust: from then on it has what is open, and no more.

Three walls, one behind the other; `confine` says which stand:

- limits: memory, the length of what it writes, seconds of a processor, no further open file, no dump of its memory.
- hook: Python ends the process at the first open, import, socket or program that it is asked for. Native code passes by here.
- seccomp (Linux on x86-64 and ARM64): the kernel refuses every call but a list of those that read and write what is open, give
  memory, wait, and end: also to native code that a broken tensor led astray.

Not here: what is done with the processor's own faults, and the memory that this process shares with nobody anyway.
Sources: seccomp(2), linux/seccomp.h, linux/bpf_common.h; numbers of calls from asm/unistd_64.h and asm-generic/unistd.h.
"""

import ctypes
import errno
import os
import platform
import sys
from pathlib import Path

__all__ = ["SHUT_OUT", "confine"]

SHUT_OUT = 97
"""The exit status of a process that tried what was shut out."""

# read, write, close, fstat, lseek, mmap, mprotect, munmap, brk, rt_sigaction, rt_sigprocmask, rt_sigreturn, pread64, readv, writev,
# sched_yield, mremap, madvise, getpid, exit, fcntl, getrusage, sigaltstack, gettid, futex, sched_getaffinity, clock_gettime,
# clock_nanosleep, exit_group, tgkill, newfstatat, getrandom. newfstatat is how newer C libraries say fstat.
_CALLS = {
    "x86_64": (
        0xC000003E,
        317,
        "0 1 3 5 8 9 10 11 12 13 14 15 17 19 20 24 25 28 39 60 72 98 131 186 202 204 228 230 231 234 262 318",
    ),
    "aarch64": (
        0xC00000B7,
        277,
        "63 64 57 80 62 222 226 215 214 134 135 139 67 65 66 124 216 233 172 93 25 165 132 178 98 123 113 115 94 131 79 278",
    ),
}
_PR_SET_NO_NEW_PRIVS = 38
_SET_MODE_FILTER, _ALL_THREADS = 1, 1
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _ANSWER = 0x20, 0x15, 0x35, 0x06
_AT_NUMBER, _AT_MACHINE = 0, 4
# Numbers from here on are x86-64's second way to say the same calls.
_X32 = 0x40000000


class _Step(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("steps", ctypes.POINTER(_Step)))


def confine(memory: int, length: int, seconds: int) -> tuple[str, ...]:
    """Shut this process in, for good.

    Args:
        memory: bytes beyond what is mapped already.
        length: bytes of a file that it writes.
        seconds: of a processor.

    Returns:
        Which walls stand: limits, hook, seccomp, as far as the system has them.
    """
    walls = []
    if _limit(memory, length, seconds):
        walls.append("limits")
    if _refuse_calls():
        walls.append("seccomp")
    sys.addaudithook(_end_whoever_tries)
    return (*walls, "hook")


def _limit(memory: int, length: int, seconds: int) -> bool:
    if sys.platform == "win32":
        return False
    import resource
    import signal

    # What the libraries have mapped already counts as well.
    statm = Path("/proc/self/statm")
    mapped = int(statm.read_bytes().split()[0]) * resource.getpagesize() if statm.exists() else 0
    for limit, most in (
        (resource.RLIMIT_AS, mapped + memory if mapped else resource.RLIM_INFINITY),
        (resource.RLIMIT_FSIZE, length),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 3),
    ):
        resource.setrlimit(limit, (most, most))
    # A file that grows too long is an error of its writer, not the end of the process.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    return True


def _refuse_calls() -> bool:
    """Every call that is not on the list gives EPERM, in each thread; False where the kernel does not know how."""
    if sys.platform != "linux" or platform.machine() not in _CALLS:
        return False
    machine, number_of_seccomp, numbers = _CALLS[platform.machine()]
    allowed = [int(number) for number in numbers.split()]
    refuse = _Step(_ANSWER, 0, 0, _ERROR | errno.EPERM)
    steps = [
        _Step(_LOAD, 0, 0, _AT_MACHINE),
        _Step(_IF_EQUAL, 1, 0, machine),
        refuse,
        _Step(_LOAD, 0, 0, _AT_NUMBER),
        _Step(_IF_AT_LEAST, 0, 1, _X32),
        refuse,
        # From each of them to the last step, which allows.
        *(_Step(_IF_EQUAL, len(allowed) - at, 0, number) for at, number in enumerate(allowed)),
        refuse,
        _Step(_ANSWER, 0, 0, _ALLOW),
    ]
    program = _Program(len(steps), (_Step * len(steps))(*steps))
    system = ctypes.CDLL(None, use_errno=True)
    if system.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    return bool(system.syscall(number_of_seccomp, _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(program)) == 0)


def _end_whoever_tries(event: str, _: tuple[object, ...]) -> None:
    # Reading a checkpoint raises no event at all: no import, no file, no address, no process.
    os.write(2, f'\n{{"trouble": "E_PICKLE", "said": "it tried {event}"}}\n'.encode("ascii", "replace"))
    os._exit(SHUT_OUT)
