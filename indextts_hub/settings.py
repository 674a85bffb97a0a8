"""What a user may choose: flags, then environment variables `INDEXTTS_HUB_*`, then `indextts-hub.toml`. Read once, at the edge.

An unknown key is warned about, not refused: a newer program's file must not stop an older one.
"""

from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

__all__ = ["CONFIG_FILE", "Settings", "default_cache", "unknown_keys"]

CONFIG_FILE = "indextts-hub.toml"


def default_cache() -> Path:
    """The user's data folder: what is pulled is no cache that may be emptied."""
    return platformdirs.user_data_path("indextts-hub", appauthor=False) / "cache_hub"


def config_files() -> list[Path]:
    """Where settings are looked for: the user's config folder, then here."""
    return [platformdirs.user_config_path("indextts-hub", appauthor=False) / CONFIG_FILE, Path(CONFIG_FILE)]


class Settings(BaseSettings):
    """All settings.

    Attributes:
        cache: the folder of the store.
        catalog: a file or an address; None: looked for.
        database_url: any that SQLAlchemy knows; None: `hub.sqlite3` in the store.
        wait: seconds to wait for somebody else's lock, and for a service that is busy.
        server: address of a running service, for `say` and `batch`.
        key: that service's key.
        webhook: address that `watch` tells of what is newer; it may hold a secret.
        webhook_key: what it signs that with.
        producer: who is said to have generated speech, in its label.
        cue: whether that it is generated is also heard: none, start or end.
        host, port: where `serve` listens.
        queue: requests that may wait for one version.
        limit_requests: of one key, such as 60/minute; empty for no limit.
        limit_speech: seconds of speech for one key, such as 3600/day; empty for no limit.
        limit_downloads: files that one key or address may fetch at once from the mirror; 0 for no limit.
        limit_rate: bytes a second of one key or address, such as 20M; empty for no limit.
        weights: how the files that are served are kept what they were: auto, sealed or watched.
        memory: bytes that all engines may take, such as 12G; None for what is free.
        keep_deleted: days after which deleted speech is purged.
        log_format: `text`, or `json`.
        trusted_proxies: addresses, with commas, of proxies that are believed who asked.
    """

    model_config = SettingsConfigDict(env_prefix="INDEXTTS_HUB_", extra="ignore", frozen=True)

    cache: Annotated[Path, BeforeValidator(lambda path: Path(path).expanduser())] = Field(default_factory=default_cache)
    catalog: str | None = None
    database_url: str | None = None
    wait: float = 600.0
    server: str = "http://127.0.0.1:7860"
    key: SecretStr | None = None
    webhook: SecretStr | None = None
    webhook_key: SecretStr | None = None
    producer: str = "indextts-hub"
    cue: Literal["none", "start", "end"] = "none"
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 7860
    queue: Annotated[int, Field(ge=0, le=10_000)] = 16
    limit_requests: str = ""
    limit_speech: str = ""
    limit_downloads: Annotated[int, Field(ge=0, le=10_000)] = 0
    limit_rate: str = ""
    weights: Literal["auto", "sealed", "watched"] = "auto"
    memory: str | None = None
    keep_deleted: Annotated[float, Field(gt=0)] = 30.0
    log_format: Literal["text", "json"] = "text"
    trusted_proxies: str = ""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings hands all of them in
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then the environment, then files; no `.env`."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=config_files())


def unknown_keys() -> dict[Path, list[str]]:
    """Keys of the settings files that mean nothing, for a warning."""
    import tomllib

    found = {path: tomllib.loads(path.read_text("utf-8")) for path in config_files() if path.is_file()}
    unknown = {path: sorted(set(table) - set(Settings.model_fields)) for path, table in found.items()}
    return {path: keys for path, keys in unknown.items() if keys}
