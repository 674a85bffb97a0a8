"""The Python packages that a machine without an index needs to install and to serve: those that are installed here, as wheels."""

import importlib.metadata
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from email import message_from_bytes
from pathlib import Path

from indextts_hub.bundle.contents import Package
from indextts_hub.bundle.export import Wheels
from indextts_hub.errors import UsageError
from indextts_hub.manifest import ByteCount, Digest
from indextts_hub.shipped import shipped
from indextts_hub.store.blobs import digest_of

__all__ = ["canonical", "collect_wheels", "needed", "pin_of", "script"]

DISTRIBUTION = "indextts-hub"
# With it the other side can serve, too.
EXTRA = "synth"
# torch alone takes minutes on a slow link.
PIP_SECONDS = 3600

_SCRIPT = r"""#!/bin/sh
# Installs indextts-hub from this bundle, with no package index and no network. Made for Python {python} on {platform}.
#
#     tar -xf BUNDLE install_offline.sh          (of volumes: cat BUNDLE.[0-9]* | tar -xf - install_offline.sh)
#     sh install_offline.sh BUNDLE [FOLDER]      (of volumes: name BUNDLE without .001)
set -eu
bundle=${{1:?give the bundle, and, if you like, the folder to install into}}
folder=${{2:-indextts-hub}}
if [ -f "$bundle" ]; then set -- "$bundle"; else set -- "$bundle".[0-9]*; fi
wheels=$folder/wheels
mkdir -p "$wheels"
for python in python{python} python3; do
  if "$python" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "{python}")' 2>/dev/null; then break; fi
  python=
done
[ -n "$python" ] || {{ echo "Python {python} is not on the path" >&2; exit 2; }}
cat > "$wheels/names" <<'NAMES'
{names}
NAMES
cat "$@" | "$python" -c '
import hashlib, os, sys
folder = sys.argv[1]
names = dict(line.split() for line in open(os.path.join(folder, "names")))
stream, found = sys.stdin.buffer, 0
while names:
    head = stream.read(512)
    if len(head) < 512 or not any(head):
        sys.exit("the bundle ends, and %d packages are missing" % len(names))
    field = head[124:136]
    size = int.from_bytes(field[1:], "big") if field[0] & 128 else int(field[:11], 8)
    digest = head[:100].rstrip(b"\0").decode("ascii").rpartition("/")[2]
    name, left, hasher = names.pop(digest, None), size, hashlib.sha256()
    target = open(os.path.join(folder, name or "rest"), "wb") if name else None
    while left:
        piece = stream.read(min(left, 1 << 20))
        if not piece:
            sys.exit("the bundle is cut short")
        left -= len(piece)
        if target:
            hasher.update(piece)
            target.write(piece)
    if target:
        target.close()
        if hasher.hexdigest() != digest:
            sys.exit("the package %s of the bundle is damaged" % name)
    stream.read(-size % 512)
' "$wheels"
"$python" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --find-links "$wheels" "{requirement}"
rm -r "$wheels"
echo "Installed. Next: $folder/venv/bin/indextts-hub import $bundle"
"""


def collect_wheels(folder: Path, pinned: Sequence[Sequence[str]] = ()) -> Wheels:
    """Bring the wheels of what is installed here into a folder, from the package index that pip is set to.

    Args:
        pinned: further packages, `NAME==VERSION`, of each engine's environment; the script leaves them alone. Engines may want
            different versions of a package.

    Raises:
        UsageError: E_PACKAGES, if pip can't get one of them.
    """
    ours = importlib.metadata.version(DISTRIBUTION)
    checkout = shipped("mirrors.yaml").parent
    _pip("wheel", "--no-deps", "--wheel-dir", str(folder), str(checkout) if _is_checkout(checkout) else f"{DISTRIBUTION}=={ours}")
    (wheel,) = folder.glob("*.whl")
    _pip("download", "--no-deps", "--only-binary", ":all:", "--dest", str(folder), *needed(_requirements(wheel), EXTRA))
    own = script([_package(path) for path in sorted(folder.glob("*.whl"))])
    for pins in filter(None, pinned):
        _pip("download", "--no-deps", "--only-binary", ":all:", "--dest", str(folder), *pins)
    return Wheels(folder, tuple(_package(path) for path in sorted(folder.glob("*.whl"))), own)


def pin_of(wheel: str) -> str:
    """`NAME==VERSION` of a wheel by its file's name, the name as package indexes compare it; empty if it is none."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        name, version, *_ = parse_wheel_filename(wheel)
    except InvalidWheelFilename:
        return ""
    return f"{name}=={version}"


def canonical(pin: str) -> str:
    """A pin, its name as package indexes compare it."""
    from packaging.utils import canonicalize_name

    name, _, version = pin.partition("==")
    return f"{canonicalize_name(name)}=={version}"


def needed(requirements: Sequence[str], extra: str) -> list[str]:
    """`NAME==VERSION`, as installed here, of what is required with an extra, and of what that requires in turn; sorted.

    Raises:
        UsageError: E_PACKAGES, if something of it is not installed here.
    """
    from packaging.requirements import Requirement

    found: dict[str, str] = {}
    waiting = [(text, frozenset({extra})) for text in requirements]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        text, extras = waiting.pop()
        requirement = Requirement(text)
        wanted = requirement.marker is None or any(requirement.marker.evaluate({"extra": each}) for each in (*extras, ""))
        key = (requirement.name.lower(), frozenset(requirement.extras))
        if not wanted or key in seen:
            continue
        seen.add(key)
        try:
            found[key[0]] = f"{requirement.name}=={importlib.metadata.version(requirement.name)}"
            waiting += [(each, key[1]) for each in importlib.metadata.requires(requirement.name) or ()]
        except importlib.metadata.PackageNotFoundError:
            raise UsageError(
                f"{requirement.name} is needed there, and is not installed here",
                remedy=f"install it: pip install {DISTRIBUTION}[{EXTRA}]",
                code="E_PACKAGES",
            ) from None
    return sorted(found.values())


def script(packages: Sequence[Package]) -> bytes:
    """`install_offline.sh` for these packages."""
    text = _SCRIPT.format(
        python="{}.{}".format(*sys.version_info[:2]),
        platform=sys.platform,
        names="\n".join(f"{package.sha256} {package.name}" for package in packages),
        requirement=f"{DISTRIBUTION}[{EXTRA}]",
    )
    return text.encode()


def _is_checkout(folder: Path) -> bool:
    return (folder / "pyproject.toml").is_file()


def _requirements(wheel: Path) -> list[str]:
    """What a wheel requires, by its own metadata; those of an installation in place may be older than the project."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        return message_from_bytes(archive.read(name)).get_all("Requires-Dist", [])


def _package(path: Path) -> Package:
    with path.open("rb") as file:
        return Package(path.name, ByteCount(path.stat().st_size), Digest(digest_of(file)))


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"pip can't be run: {error}", remedy="look whether pip works here", code="E_PACKAGES") from None
    if done.returncode:
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "it does not say why")
        raise UsageError(
            f"pip can't get the packages: {last[:200]}", remedy="look at the network and pip's index", code="E_PACKAGES"
        )
