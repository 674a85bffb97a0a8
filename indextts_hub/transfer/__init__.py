"""Moving chunks: many mirrors for many files at once, every byte checked, nothing whole fetched twice. Threads, no asyncio."""

from indextts_hub.transfer.engine import SourceUse, TransferOptions, TransferredFile, transfer
from indextts_hub.transfer.plan import FilePlan, Plan
from indextts_hub.transfer.progress import (
    ChunkBad,
    ChunkDone,
    FileDone,
    FileStarted,
    MirrorLeft,
    Moved,
    Progress,
    ProgressEvent,
    Silent,
)
from indextts_hub.transfer.scores import Score, Scores, ScoresInMemory

__all__ = [
    "ChunkBad",
    "ChunkDone",
    "FileDone",
    "FilePlan",
    "FileStarted",
    "MirrorLeft",
    "Moved",
    "Plan",
    "Progress",
    "ProgressEvent",
    "Score",
    "Scores",
    "ScoresInMemory",
    "Silent",
    "SourceUse",
    "TransferOptions",
    "TransferredFile",
    "transfer",
]
