from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StoreSettings:
    endpoint: str
    region: str = "us-east-1"
    access_key_file: Path | None = None
    secret_key_file: Path | None = None
    ca_file: Path | None = None
