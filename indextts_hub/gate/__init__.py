"""The gate: what a file of weights would make its reader do is found out, and not done. What is not known to be harmless stays out.

Standard library only, so that it runs in any engine's environment too.
"""

from indextts_hub.gate.allowed import TORCH, AllowList
from indextts_hub.gate.check import (
    Finding,
    Findings,
    Form,
    UnsafeFile,
    assert_checkpoint,
    assert_let_in,
    assert_pickles,
    check,
    check_checkpoint,
    check_pickles,
)

__all__ = [
    "TORCH",
    "AllowList",
    "Finding",
    "Findings",
    "Form",
    "UnsafeFile",
    "assert_checkpoint",
    "assert_let_in",
    "assert_pickles",
    "check",
    "check_checkpoint",
    "check_pickles",
]
