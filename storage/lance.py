"""LanceDB, without the operations of the client for remote catalogues that it brings along and nobody here calls.

Importing these takes as long as all the rest of it: every server, in every window of an editor, would wait for them.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_OPERATIONS = "lance_namespace_urllib3_client.api."


class _StandIns(MetaPathFinder, Loader):
    """In the place of these modules gives some in which whatever is asked for is an empty class."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname.startswith(_OPERATIONS) else None

    def exec_module(self, module: ModuleType) -> None:
        module.__getattr__ = _empty_class  # type: ignore[method-assign]


def _empty_class(name: str) -> type:
    if name.startswith("__"):  # which the import itself looks for
        raise AttributeError(name)
    return type(name, (), {})


@contextmanager
def _operations_left_out() -> Iterator[None]:
    finder = _StandIns()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.startswith(_OPERATIONS)]:
            del sys.modules[name]  # whoever wants the operations imports them


with _operations_left_out():
    import lancedb
    from lancedb.expr import col, lit
    from lancedb.index import FTS, BTree, IvfRq
    from lancedb.query import MatchQuery

__all__ = ["FTS", "BTree", "IvfRq", "MatchQuery", "col", "lancedb", "lit"]
