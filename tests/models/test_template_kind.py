"""Which kind of messages a template takes, by its text."""

from __future__ import annotations

import pytest

from lmms_eval_ja.models.template_kind import takes_image_parts


@pytest.mark.parametrize(
    ("template", "takes"),
    [
        ("{% if part['type'] == 'image' %}<image>{% endif %}", True),
        ('{% if "image" in part %}', True),
        ("{{ m['content'] | selectattr('type', 'equalto', 'image_url') }}", True),
        ("{{ '<image>\\n' + m['content'] }}", False),
        ("{# for images too #}{{ m['content'] }}", False),
        (None, False),
    ],
)
def test_parts_are_told_from_tags(template: str | None, takes: bool) -> None:
    assert takes_image_parts(template) is takes
