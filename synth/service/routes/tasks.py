"""`/api/tasks`: what was spoken."""

from fastapi import APIRouter
from starlette.responses import FileResponse

from synth.audio.formats import format_named
from synth.service.archive import Archive

__all__ = ["routes"]


def routes(archive: Archive) -> APIRouter:
    """The routes, over the tasks that are kept."""
    router = APIRouter(prefix="/api/tasks", tags=["history"])

    @router.get("/{task_id}/audio", summary="The audio of a task", response_class=FileResponse)
    async def audio(task_id: str) -> FileResponse:
        task = await archive.find(task_id)
        form = format_named(task.settings.format)
        # What a task's audio is never changes; only that it may be deleted.
        headers = {"Cache-Control": "private, max-age=3600", "X-Model-Digest": task.model_digest or ""}
        name = f"speech-{task.id[:8]}{form.suffix}"
        return FileResponse(
            archive.audio(task), headers=headers, media_type=form.media_type, filename=name, content_disposition_type="inline"
        )

    return router
