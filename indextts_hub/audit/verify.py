"""Checks an audit log without believing anyone. It runs alone: the standard library, and `cryptography` for signatures.

    python verify.py log.jsonl --key 'NAME+HASH+BASE64' --checkpoint checkpoint.txt [--checkpoint older.txt …]

1.  Every line is canonical JSON; its number is its place; `previous` is the SHA-256 of the line before.
2.  The lines are the leaves of a Merkle tree as RFC 6962 defines it: a leaf is SHA-256(0 ‖ line), a node SHA-256(1 ‖ left ‖ right).
3.  A checkpoint (C2SP tlog-checkpoint: a signed note of origin, size and root) says what the tree was at its size. Whoever kept one
    finds out when the log was cut or rewritten later, even with the true key: the root at that size is another.

Nothing here imports the project, so that an auditor reads this one file.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Checkpoint", "LogFinding", "MerkleTree", "VerifierKey", "check_lines", "open_checkpoint", "read_lines"]

FIRST = "0" * 64
KEYS = {"act", "actor", "at", "details", "outcome", "previous", "seq", "subject"}
LARGEST_LINE = 2**20
_SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)")
_ED25519 = b"\x01"


class MerkleTree:
    """The tree over the leaves so far: the roots of its perfect subtrees, the largest first, are all it keeps."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add a leaf's bytes."""
        node = hashlib.sha256(b"\0" + leaf).digest()
        # As many subtrees are joined as the size has ones at its end, as in adding one to a binary number.
        size = self.size
        while size & 1:
            node = hashlib.sha256(b"\1" + self._subtrees.pop() + node).digest()
            size >>= 1
        self._subtrees.append(node)
        self.size += 1

    def root(self) -> str:
        """The root's hash in hex; that of nothing for an empty tree."""
        if not self._subtrees:
            return hashlib.sha256(b"").hexdigest()
        root = self._subtrees[-1]
        for subtree in self._subtrees[-2::-1]:
            root = hashlib.sha256(b"\1" + subtree + root).digest()
        return root.hex()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log was at one size.

    Attributes:
        origin: the log's name.
        size: how many events.
        root: of the Merkle tree over them, in hex.
    """

    origin: str
    size: int
    root: str

    def body(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(bytes.fromhex(self.root)).decode()}\n"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public Ed25519 key as signed notes name it: `NAME+HASH+BASE64`."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Read `NAME+HASH+BASE64`.

        Raises:
            ValueError: it is none, or its hash is not the key's.
        """
        name, _, rest = text.strip().partition("+")
        key_hash, _, encoded = rest.partition("+")
        decoded = base64.b64decode(encoded, validate=True)
        key = cls(name, decoded[1:])
        if decoded[:1] != _ED25519 or len(key.public) != 32 or key.hash().hex() != key_hash:
            raise ValueError("this is no Ed25519 key of a signed note")
        return key

    def hash(self) -> bytes:
        """Four bytes that tell keys apart."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.hash().hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"


@dataclass(frozen=True, slots=True)
class LogFinding:
    """What reading the whole log found.

    Attributes:
        events: how many lines are as they were written, from the first on.
        head: SHA-256 of the last of them.
        root: of the Merkle tree over them.
        first_bad: the number at which it stops being right; None if all of it is.
        problem: what is wrong there.
        torn: whether a line that was being written when the power went stands at the end; that is no damage.
    """

    events: int
    head: str
    root: str
    first_bad: int | None = None
    problem: str | None = None
    torn: bool = False

    @property
    def ok(self) -> bool:
        """Whether every line is as it was written, and every checkpoint agrees."""
        return self.first_bad is None


def check_lines(lines: Iterable[bytes], checkpoints: Sequence[Checkpoint] = ()) -> LogFinding:
    """Check a log's lines, each with its line feed, and that it was what the checkpoints say when it had their sizes."""
    tree, head = MerkleTree(), FIRST
    claimed: dict[int, set[str]] = {}
    for checkpoint in checkpoints:
        claimed.setdefault(checkpoint.size, set()).add(checkpoint.root)

    def finding(problem: str | None, *, torn: bool = False) -> LogFinding:
        return LogFinding(tree.size, head, tree.root(), None if problem is None else tree.size, problem, torn)

    def contradicted() -> bool:
        roots = claimed.pop(tree.size, None)
        return roots is not None and roots != {tree.root()}

    if contradicted():
        return finding("a checkpoint of the empty log says otherwise")
    for line in lines:
        if not line.endswith(b"\n") and len(line) < LARGEST_LINE:
            return finding(_cut(claimed), torn=True)
        if problem := _why_not(line, tree.size, head):
            return finding(problem)
        tree.append(line)
        head = hashlib.sha256(line).hexdigest()
        if contradicted():
            return finding(f"the first {tree.size} events are not those of a checkpoint: the log was rewritten")
    return finding(_cut(claimed))


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, each with its line feed; one that is longer than any event comes in pieces."""
    with path.open("rb") as file:
        while line := file.readline(LARGEST_LINE):
            yield line


def open_checkpoint(note: str, keys: Sequence[VerifierKey]) -> Checkpoint:
    """Read a signed checkpoint that one of `keys` signed.

    Raises:
        ValueError: it is none, or no key's signature on it is right.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    body, blank, signatures = note.rpartition("\n\n")
    lines = body.split("\n")
    if not blank or len(lines) < 3 or not lines[0] or not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]):
        raise ValueError("this is no checkpoint")
    root = base64.b64decode(lines[2], validate=True)
    if len(root) != 32:
        raise ValueError("this is no checkpoint")
    for name, encoded in _SIGNATURE.findall(signatures):
        signature = base64.b64decode(encoded, validate=True)
        for key in keys:
            if (key.name, key.hash()) == (name, signature[:4]):
                try:
                    Ed25519PublicKey.from_public_bytes(key.public).verify(signature[4:], f"{body}\n".encode())
                except InvalidSignature:
                    raise ValueError(f"the signature of {name} is wrong") from None
                return Checkpoint(lines[0], int(lines[1]), root.hex())
    raise ValueError("no known key signed this checkpoint")


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a log from the command line; return 0 if all is right, 4 if not, 2 for wrong usage."""
    parser = argparse.ArgumentParser(description="Check an audit log of indextts-hub.")
    parser.add_argument("log", type=Path)
    parser.add_argument("--key", action="append", default=[], help="a verifier key, NAME+HASH+BASE64")
    parser.add_argument("--checkpoint", action="append", default=[], type=Path, help="a signed checkpoint that somebody kept")
    given = parser.parse_args(arguments)
    try:
        keys = [VerifierKey.parse(text) for text in given.key]
        checkpoints = [open_checkpoint(path.read_text("utf-8"), keys) for path in given.checkpoint]
        found = check_lines(read_lines(given.log), checkpoints)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(json.dumps({"ok": found.ok, **asdict(found)}) + "\n")
    return 0 if found.ok else 4


def _cut(claimed: dict[int, set[str]]) -> str | None:
    return f"a checkpoint has {max(claimed)} events: the log was cut, or is another" if claimed else None


def _why_not(line: bytes, number: int, head: str) -> str | None:
    try:
        event = json.loads(line, object_pairs_hook=_no_duplicates, parse_float=_no_float, parse_constant=_no_float)
        canonical = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    except (ValueError, RecursionError):
        return "the line is no event"
    if canonical != line or not isinstance(event, dict) or event.keys() != KEYS:
        return "the line is no event"
    if type(event["seq"]) is not int or event["seq"] != number:
        return f"its number is not {number}, which belongs here"
    if event["previous"] != head:
        return "the line before it is not the one it was written after"
    return None


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_float(text: str) -> object:
    raise ValueError(f"{text[:20]} is no integer")


if __name__ == "__main__":
    sys.exit(main())
