"""What postern calls: the exports of a component, around the handlers that its filter has.

Run while the component is built. What is wrong with a filter is told then, in words.
"""

from __future__ import annotations

import ast
import importlib
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, cast

from . import _ambient, _component, _gateway, log
from ._error import Error
from ._filter import Filter
from ._lower import admission, chosen, event, http_verdict, verdict
from ._handles import Client, Message, Request

SDK = Path(__file__).parent

# What `filter.toml` calls a handler, and what it is in Python.
HANDLERS = {
    "setup": "configure",
    "message": "on_message",
    "admission": "on_connect",
    "client": "on_client_message",
    "event": "on_event",
    "audience": "choose",
    "http": "on_request",
}


# Between these lines `postern filter build` finds what is wrong, and shows it without what the tools say around it.
BEGIN, END = "----- the filter cannot be built", "----- so much for that"


class Wrong(Exception):
    """The filter cannot be built as it is; in words for its author."""


def exports(source: str, handlers: list[str]) -> dict[str, type]:
    """Imports the module `source` and gives the classes that componentize-py exports, for the handlers named."""
    try:
        return _exports(source, handlers)
    except (Exception, SystemExit) as error:
        print(BEGIN, _trouble(error), END, sep="\n", file=sys.stderr)
        raise


def _exports(source: str, handlers: list[str]) -> dict[str, type]:
    _gateway.use(cast(_gateway.Gateway, _Building()))
    _ambient.prepare()
    module = importlib.import_module(source)
    find = _handlers_of(module, handlers)
    root = SDK.parent
    files = [file for other in list(sys.modules.values()) if (file := getattr(other, "__file__", None))]
    own = [file for file in files if Path(file).is_relative_to(root) and Path(file).parent != SDK]
    _import_the_rest(own)
    _gateway.use(_component.Component())
    _ambient.seal(own)
    return _classes(find, root)


def _trouble(error: BaseException) -> str:
    """An error as Python shows it, less what is not the author's, and no longer than the tool has room for."""
    if isinstance(error, Wrong):
        return str(error)
    shown = traceback.TracebackException.from_exception(error)
    strange = (str(SDK), "/python", "/bundled", "/0/", "<frozen")
    frames = [frame for frame in shown.stack if not frame.filename.startswith(strange)]
    shown.stack = traceback.StackSummary.from_list(frames)
    return "".join(shown.format()).replace('File "/1/', 'File "').strip()[-8000:]


def _handlers_of(module: Any, handlers: list[str]) -> Callable[[str], Callable[..., Any] | None]:
    """How each handler is found; checked now, so that nothing is missing later."""
    kinds = [
        thing
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, Filter) and thing.__module__ == module.__name__
    ]
    name = Path(module.__file__ or "filter.py").name
    # Of a class and one derived from it, the latter is meant.
    kinds = [kind for kind in kinds if not any(other is not kind and issubclass(other, kind) for other in kinds)]
    if len(kinds) > 1:
        raise Wrong(f"{name} has several filters, and one is wanted: {', '.join(kind.__name__ for kind in kinds)}")
    kind = kinds[0] if kinds else None

    def has(function: str) -> bool:
        if kind is None:
            return callable(getattr(module, function, None))
        return getattr(kind, function, None) is not getattr(Filter, function, None)

    where = f"`{kind.__name__}` in {name}" if kind else name
    for handler in handlers:
        function = HANDLERS[handler]
        if handler == "setup" or has(function) or handler == "audience" and has("wants"):
            continue
        wanted = "`wants` or `choose`" if handler == "audience" else f"`{function}`"
        raise Wrong(f"filter.toml names the handler `{handler}`, and {where} has no {wanted}")
    for handler, function in HANDLERS.items():
        # Of these names no other function is likely to be.
        if handler not in handlers and function.startswith("on_") and has(function):
            raise Wrong(f"{where} has `{function}`, which nobody would call: add \"{handler}\" to `handlers` in filter.toml")
    if kind is None:
        if "setup" not in handlers and has("configure"):
            raise Wrong(f"{where} has `configure`, which nobody would call: add \"setup\" to `handlers` in filter.toml")
        return lambda function: getattr(module, function, None)
    made: list[Filter] = []

    def of_instance(function: str) -> Callable[..., Any] | None:
        if not made:
            made.append(kind())
        return getattr(made[0], function, None)

    return of_instance


def _import_the_rest(files: list[str]) -> None:
    """Imports what the filter's own functions import when they are called: there are no files then."""
    for file in files:
        for node in ast.walk(ast.parse(Path(file).read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in names:
                try:
                    importlib.import_module(name)
                except Exception:
                    pass  # It may be within a `try` or an `if` that is never so.


def _classes(find: Callable[[str], Callable[..., Any] | None], root: Path) -> dict[str, type]:
    def answer(ask: Callable[[], Any]) -> Any:
        try:
            _ambient.begin()
            return ask()
        except (Exception, SystemExit) as error:
            raise _component.Err(_words(error, root)) from None
        except BaseException as error:
            # Past this the runtime gives up on the instance, without a word.
            log.error("the filter gave up", why=_words(error, root))
            raise
        finally:
            _ambient.end()

    def asked(function: str, *arguments: Any) -> Any:
        handler = find(function)
        return handler(*arguments) if handler else None

    def choose(message: Message, among: list[Client]) -> list[bool]:
        if find("choose"):
            return chosen(asked("choose", message, among), among)
        return [bool(asked("wants", message, client)) for client in among]

    class Setup:
        def configure(self) -> None:
            # A class is checked by being made.
            answer(lambda: asked("configure"))

    class MessageHandler:
        def on_message(self, msg: Any) -> Any:
            return answer(lambda: verdict(asked("on_message", Message(msg))))

    class AdmissionHandler:
        def on_connect(self, req: Any) -> Any:
            return answer(lambda: admission(asked("on_connect", Request(req))))

    class ClientHandler:
        def on_client_message(self, sender: Any, msg: Any) -> Any:
            return answer(lambda: verdict(asked("on_client_message", Client(sender), Message(msg))))

    class EventHandler:
        def on_event(self, who: Any, what: Any) -> None:
            answer(lambda: asked("on_event", Client(who), event(what)))

    class AudienceHandler:
        def choose(self, msg: Any, among: Any) -> Any:
            return answer(lambda: choose(Message(msg), [Client(client) for client in among]))

    class HttpHandler:
        def on_request(self, req: Any) -> Any:
            return answer(lambda: http_verdict(asked("on_request", Request(req))))

    classes = (Setup, MessageHandler, AdmissionHandler, ClientHandler, EventHandler, AudienceHandler, HttpHandler)
    return {kind.__name__: kind for kind in classes}


def _words(error: BaseException, root: Path) -> str:
    """What a failure says: of one that the filter meant, its words; of any other, what it is and where it was as well."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(root) and Path(frame.filename).parent != SDK]
    if own and log.enabled(log.Level.DEBUG):
        log.debug("where the filter failed", traceback="".join(traceback.format_list(own)).strip())
    if isinstance(error, Error):
        return str(error) or type(error).__name__
    words = "".join(traceback.format_exception_only(error)).strip()
    if own:
        last = own[-1]
        words += f" ({Path(last.filename).relative_to(root)}:{last.lineno}, in {last.name})"
    return words


class _Building:
    """Stands where the gateway will be, while the filter is built."""

    def __getattr__(self, name: str) -> NoReturn:
        interface, _, function = name.partition("_")
        raise Error(
            f"{interface}.{function} was called at the top of the filter's code, which is run when it is built: "
            "there is no gateway then; call it in `configure` or in a handler"
        )
