"""HEIC pictures, as phones take them. Child process only.

`pi-heif` holds libheif and libde265 and no encoder. It is imported for the first such picture: most children see none.
"""

from __future__ import annotations

from functools import cache


@cache
def let_pillow_read_heif() -> None:
    """Register the format HEIF with Pillow, for the picture alone: no thumbnails, no maps of depth."""
    import pi_heif

    pi_heif.register_heif_opener(decode_threads=0, thumbnails=False, depth_images=False, aux_images=False)
