"""Which kind of messages a chat template is written for."""

from __future__ import annotations

import re
from typing import Any

#: `part['type'] == 'image'`, `"image" in part`, `equalto("image")`; not a tag such as `<image>`.
_IMAGE_PART = re.compile(r"""['"]image""")


def takes_image_parts(template: Any) -> bool:
    """Whether a template puts images into a message's parts itself, instead of taking texts with tags in them.

    Args:
        template: in Jinja, as a processor has it; None is no template.
    """
    return _IMAGE_PART.search(str(template or "")) is not None
