"""One import, as a process that may be killed or failed at any system call: `python -m tests.hub.bundle.life STORE BUNDLE`."""

import sys
from pathlib import Path

from indextts_hub.bundle import ImportOptions, import_bundle
from indextts_hub.errors import HubError
from indextts_hub.store import open_store
from indextts_hub.transfer import Silent

if __name__ == "__main__":
    try:
        import_bundle(open_store(Path(sys.argv[1])), Path(sys.argv[2]), ImportOptions(wait=10), 0, Silent())
    except HubError as error:
        sys.stderr.write(f"{error.code} {error.message}\n")
        sys.exit(error.exit_code)
