"""LanceDB, without what it brings along and nobody here uses: a client for remote catalogues, and checks of its code.

Importing these takes as long as all the rest of it: every server, in every window of an editor, would wait for them.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import TypeVar

MethodT = TypeVar("MethodT", bound=Callable[..., object])

_CLIENT, _CHECKS = "lance_namespace_urllib3_client", "overrides"
_MADE_WITH_IT = "lance_namespace"  # hands on what the client defines


class _StandIns(MetaPathFinder, Loader):
    """Stands in for the client's modules, and for that of the checks, as LanceDB itself does from Python 3.12 on."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        stands_in = fullname.partition(".")[0] in (_CLIENT, _CHECKS)
        return ModuleSpec(fullname, self, is_package=True) if stands_in else None

    def exec_module(self, module: ModuleType) -> None:
        if module.__name__ == _CHECKS:
            vars(module).update(override=_unchecked, EnforceOverrides=object)
        else:
            module.__getattr__ = _plain_class  # type: ignore[method-assign]


def _unchecked(method: MethodT) -> MethodT:
    return method


def _plain_class(name: str) -> type:
    """A class of answers that keeps what it is given, as `.tables` of those to `list_tables`, and checks nothing."""
    if name.startswith("__"):  # which the import itself looks for
        raise AttributeError(name)
    return type(name, (SimpleNamespace,), {})


@contextmanager
def _left_out() -> Iterator[None]:
    before, finder = set(sys.modules), _StandIns()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in set(sys.modules) - before:
            if name.partition(".")[0] in (_CLIENT, _CHECKS, _MADE_WITH_IT):
                del sys.modules[name]  # whoever wants them imports them


with _left_out():
    import lancedb
    from lancedb.expr import col, lit
    from lancedb.index import FTS, BTree, IvfRq
    from lancedb.query import MatchQuery

__all__ = ["FTS", "BTree", "IvfRq", "MatchQuery", "col", "lancedb", "lit"]
