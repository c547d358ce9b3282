"""Which decoders make our pixels: part of the pipeline's fingerprint, for another PDFium draws other pixels."""

from importlib.metadata import version


def decoder_versions() -> dict[str, str]:
    return {name: version(name) for name in ("pillow", "pypdfium2")}
