"""Settings that people write by hand, in YAML: the editor's rules of an issue, and of segments.

Open this file to see what is refused before a setting is looked at.
"""

from collections.abc import Hashable
from hashlib import sha256
from pathlib import Path

import yaml

from bandit.core.files import read_bytes
from serving.errors import shorten


def read_settings(path: str | Path, example: str) -> tuple[dict[str, object], str]:
    """The settings in a YAML file, and the file's SHA-256.

    example: a setting, for the message where there is none

    Raises ValueError naming the file, and the line where it is no YAML.
    """
    data = read_bytes(Path(path))
    try:
        content = yaml.load(data.decode(), _Loader)  # noqa: S506  # a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"{path}{line}: {error.problem}") from None
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path}: {shorten(content)}; must be settings such as {example}")
    return content, sha256(data).hexdigest()


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key given twice.

    Only the last would count, and a pin could go missing.
    """

    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Hashable, object]:
        keys: list[object] = []
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in keys:
                twice, mark = f"{key!r} is given twice", key_node.start_mark
                raise yaml.constructor.ConstructorError(None, None, twice, mark)
            keys.append(key)
        return super().construct_mapping(node, deep)
