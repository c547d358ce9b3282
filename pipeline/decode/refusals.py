"""Why a document or a page is refused, and what its owner can do about it.

The child sends a code, never a sentence: a message is chosen here, so that nothing from a document (or from a child
that has been taken over) reaches a log.
"""

from pipeline.errors import Rejected

MESSAGES = {
    "empty_file": "The object holds no bytes; upload the document again.",
    "unsupported_format": (
        "The bytes are not a readable JPEG, JPEG 2000, PNG, WebP, AVIF, HEIC, BMP, GIF, TIFF or PDF; "
        "convert the document."
    ),
    "corrupt_image": "The image is damaged or cut short; upload it again from its source.",
    "corrupt_pdf": "The PDF or one of its pages is damaged; repair it or print it to a new PDF.",
    "encrypted_pdf": "The PDF needs a password; name its secret in options.password_secret.",
    "wrong_password": "The password in options.password_secret does not open this PDF.",
    "unsupported_encryption": "The PDF is encrypted in a way that can't be opened here; save it without encryption.",
    "too_many_pages": "The document has more pages than decode.max_pages; split it or raise the limit.",
    "page_too_large": "The page is larger than decode.max_page_pixels or its memory; lower options.dpi.",
    "document_too_large": "The pages together are larger than decode.max_document_pixels or its memory; split it.",
    "page_out_of_range": "The document has no such page; correct options.pages.",
    "decode_timeout": "Decoding took more than decode.cpu_s; simplify the page or raise the limit.",
    "decoder_killed": "The decoder died twice on this document or page; convert it with another program.",
}


def refusal(code: str) -> Rejected:
    """The error for one of the codes above; any other code is a defect (KeyError)."""
    return Rejected(MESSAGES[code], code=code, stage="decode")
