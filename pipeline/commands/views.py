"""Documents that were read, as HTML to look at."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.app import decode_limits
from pipeline.commands.output import write_pieces
from pipeline.commands.sentences import local_sentence
from pipeline.decode.decoder import Decoder
from pipeline.errors import PagestreamError, Rejected, Retryable
from pipeline.render.document import Pictures, Pixels, document_html
from pipeline.settings import Settings
from pipeline.workers.decoding import password
from pipeline.workers.fetching import Reads
from schemas.objects import ObjectRef
from schemas.pages import PageError
from schemas.results import DocumentResult


class Views:
    """Draws documents anew, out of the store that they were read from: a decoder of its own, for one thread. As a
    context it ends the decoder when left."""

    def __init__(self, store: Reads, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._decoder = Decoder(decode_limits(settings))

    def write(self, path: Path, result: DocumentResult, *, title: str) -> dict[int, PageError]:
        """Why pages have no picture, by their numbers: the file has changed since, the machine is too slow. The same is
        said in the picture's place.

        Raises Environment `out_unwritable`, and what a decoder can't be started for.
        """
        missing: dict[int, PageError] = {}
        pictures = self._pictures(result)

        def told(number: int) -> Pixels | PageError:
            picture = pictures(number)
            if isinstance(picture, PageError):
                missing[number] = picture
            return picture

        try:
            write_pieces(path, document_html(result, told, title=title))
        finally:
            self._decoder.close_document()
        return missing

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._decoder.close()

    def _pictures(self, result: DocumentResult) -> Pictures:
        source, options = result.source, result.options
        try:
            _, body = self._store.get(
                ObjectRef(source.bucket, source.key, source.version_id, source.etag),
                max_bytes=self._settings.store.max_object_bytes,
                deadline_s=self._settings.store.fetch_deadline_s,
            )
            self._decoder.open(
                body,
                dpi=options.dpi or self._settings.decode.dpi,
                password=password(options.password_secret, self._settings.decode.secrets_directory),
            )
        except (Rejected, Retryable) as error:
            missing = _told(error)
            return lambda number: missing
        return self._picture

    def _picture(self, number: int) -> Pixels | PageError:
        try:
            return self._decoder.render(number).image
        except (Rejected, Retryable) as error:
            return _told(error)


def _told(error: PagestreamError) -> PageError:
    return PageError(code=error.code, stage=error.stage, message=local_sentence(error.code, error.message))
