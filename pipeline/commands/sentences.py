"""What to do about a code, where a command knows it better than the part that failed."""

from __future__ import annotations

LOCAL = {
    "folder_closed": "The folder can't be opened; mend its permissions. Nothing in it was read.",
    "folder_link": "Links to folders are not followed; name the folder itself.",
    "object_missing": "The file is not there, or is a link that leads nowhere.",
    "object_changed": "The file changed while it was read; read it again.",
    "object_too_large": "The file is too large; raise PAGESTREAM_STORE__MAX_OBJECT_BYTES.",
    "empty_file": "The file is empty; copy it again from its source.",
    "corrupt_image": "The image is damaged or cut short; copy it again from its source.",
    "encrypted_pdf": "The PDF needs a password; write it into a file and name that with --password-file.",
    "wrong_password": "The password in the --password-file does not open this PDF.",
    "too_many_pages": "The document is too long; split it, or raise PAGESTREAM_DECODE__MAX_PAGES.",
    "page_too_large": "The page is too large; lower --dpi, or raise PAGESTREAM_DECODE__MAX_PAGE_PIXELS.",
    "document_too_large": "The pages together are too large; lower --dpi, or split the document.",
    "page_out_of_range": "The document has no such page; correct --pages.",
    "decode_timeout": "Decoding took too long; simplify the page, or raise PAGESTREAM_DECODE__CPU_S.",
}
"""For a person with files: no events, objects or options of the service."""

SERVICE = {
    "topic_missing": "A topic does not exist; run `pagestream topics create`.",
    "bucket_missing": "The bucket does not exist; create it, or name another with --bucket.",
}
"""For a person with a broker and a store."""


def local_sentence(code: str, message: str) -> str:
    return LOCAL.get(code, message)
