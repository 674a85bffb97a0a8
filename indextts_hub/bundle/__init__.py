"""Versions on the road: one file, or volumes, that carries them whole and provable into a machine that has no network."""

from indextts_hub.bundle.catalogue import carried_catalogue, signed_documents
from indextts_hub.bundle.contents import BundledVersion, LogState
from indextts_hub.bundle.export import ExportOptions, ExportReport, Wheels, bundle_size, export_bundle, whole
from indextts_hub.bundle.importing import ImportOptions, ImportReport, import_bundle

__all__ = [
    "BundledVersion",
    "ExportOptions",
    "ExportReport",
    "ImportOptions",
    "ImportReport",
    "LogState",
    "Wheels",
    "bundle_size",
    "carried_catalogue",
    "export_bundle",
    "import_bundle",
    "signed_documents",
    "whole",
]
