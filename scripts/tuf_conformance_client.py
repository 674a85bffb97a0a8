"""The catalogue's client behind the command line that TUF's conformance suite drives.

    python scripts/tuf_conformance_client.py --metadata-dir DIR init ROOT
    python scripts/tuf_conformance_client.py --metadata-dir DIR --metadata-url URL refresh
    python scripts/tuf_conformance_client.py … --target-name NAME --target-base-url URL --target-dir DIR download

The protocol: https://github.com/theupdateframework/tuf-conformance/blob/main/CLIENT-CLI.md. Give the suite this file as its entry
point. The exit code is 0 or 1.
"""

import argparse
import shutil
import sys
from pathlib import Path

from indextts_hub.errors import HubError
from indextts_hub.trust.places import fetched
from indextts_hub.trust.updating import client, tuf_errors


class Urls:
    """A place whose documents are named by whole addresses."""

    name = "the repository"

    def read(self, path: str, largest: int) -> bytes | None:
        """See `Place`."""
        return fetched(path, largest)


def main() -> None:
    """Do what the suite asks."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--metadata-dir", type=Path, required=True)
    for option in ("--metadata-url", "--target-name", "--target-base-url", "--target-dir"):
        parser.add_argument(option)
    acts = parser.add_subparsers(dest="act", required=True)
    acts.add_parser("init").add_argument("root", type=Path)
    acts.add_parser("refresh")
    acts.add_parser("download")
    asked = parser.parse_args()
    if asked.act == "init":
        shutil.copyfile(asked.root, asked.metadata_dir / "root.json")
        return
    try:
        with tuf_errors(Urls.name):
            root = (asked.metadata_dir / "root.json").read_bytes()
            updater = client(Urls(), str(asked.metadata_dir), f"{asked.metadata_url.rstrip('/')}/", root, asked.target_dir)
            updater.refresh()
            if asked.act == "download":
                target = updater.get_targetinfo(asked.target_name)
                if target is None:
                    sys.exit(f"there is no {asked.target_name}")
                if updater.find_cached_target(target) is None:
                    updater.download_target(target, target_base_url=asked.target_base_url)
    except HubError as error:
        sys.exit(f"error[{error.code}]: {error.message}")


if __name__ == "__main__":
    main()
