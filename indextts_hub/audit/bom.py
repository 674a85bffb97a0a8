"""A report as a bill of materials: CycloneDX 1.6 with a model card (https://cyclonedx.org/docs/1.6/json/). Pure.

The version is the component of the document, a machine-learning model; its files are components below it. The serial number follows
from the version's digest and the length of the log, so the same state gives the same document.
"""

from uuid import NAMESPACE_URL, uuid5

from indextts_hub.audit.report import FileOrigin, Report
from indextts_hub.db import FileTransfer
from indextts_hub.manifest import Json, License

__all__ = ["bill_of_materials"]

_LIMITS = (
    "Speech is labelled as generated (AI 生成); whoever removes the label makes it somebody else's claim.",
    "Quality in languages that the engine does not name is not known.",
)
_CLONING = "A voice may be spoken with only by the consent of the person whose it is; consents are kept with each voice."


def bill_of_materials(report: Report) -> dict[str, Json]:
    """The report as a CycloneDX 1.6 document."""
    manifest = report.manifest
    ref = f"{report.name}@sha256:{manifest.digest}"
    files: list[Json] = [_component(ref, file) for file in report.files]
    inside: list[Json] = [f"{ref}#{file.entry.path}" for file in report.files]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, f'{ref} {report.log_events} {report.log_head}')}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "machine-learning-model",
                "bom-ref": ref,
                "name": report.name,
                "version": f"sha256:{manifest.digest}",
                "hashes": [{"alg": "SHA-256", "content": manifest.digest}],
                "licenses": [
                    _terms(manifest.license),
                    *(_terms(part.license) for part in manifest.parts if _differs(report, part.license)),
                ],
                "modelCard": {
                    "modelParameters": {
                        "task": "text-to-speech",
                        "modelArchitecture": manifest.engine,
                        "inputs": [{"format": "text"}],
                        "outputs": [{"format": "audio"}],
                    },
                    "considerations": {
                        "technicalLimitations": [*_LIMITS],
                        "ethicalConsiderations": [{"name": "voice cloning", "mitigationStrategy": _CLONING}],
                    },
                },
                "properties": _facts(report),
            }
        },
        "components": files,
        "dependencies": [{"ref": ref, "dependsOn": inside}],
    }


def _ranges(transfer: FileTransfer) -> str:
    return "".join(f", {start}-{stop - 1}" for start, stop in transfer.ranges)


def _component(ref: str, file: FileOrigin) -> Json:
    entry = file.entry
    facts: list[Json] = [_property("size", str(entry.size)), _property("state", "present" if file.present else "absent")]
    facts += [_property("from", f"{each.mirror}: {each.bytes} bytes, {at}{_ranges(each)}") for at, each in file.transfers]
    if file.scan is not None:
        facts.append(_property("scan", f"{file.scan.outcome}, {file.scan.at.isoformat()}"))
    return {
        "type": "file",
        "bom-ref": f"{ref}#{entry.path}",
        "name": entry.path,
        "hashes": [{"alg": "SHA-256", "content": entry.sha256}],
        "properties": facts,
    }


def _facts(report: Report) -> list[Json]:
    facts = [_property("accepted", f"{each.license}, by {each.by}, {each.at.isoformat()}") for each in report.accepted]
    facts += [_property(event.act, f"{event.outcome}, by {event.actor}, {event.at.isoformat()}") for event in report.events]
    for signature in report.signatures():
        signers = signature.get("signers")
        by = ", ".join(map(str, signers)) if isinstance(signers, list) else str(signature.get("catalogue"))
        facts.append(_property("signed", f"{by}, {signature['act']}, {signature['at']}"))
    facts += [_property("lineage", f"{event.act} {event.subject}, {event.at.isoformat()}") for event in report.lineage]
    return [*facts, _property("log", f"{report.log_events} events, head {report.log_head}")]


def _differs(report: Report, terms: License) -> bool:
    return terms.name != report.manifest.license.name


def _terms(terms: License) -> Json:
    return {"license": {"name": terms.name, **({"url": terms.url} if terms.url else {})}}


def _property(name: str, value: str) -> dict[str, Json]:
    return {"name": f"indextts-hub:{name}", "value": value}
