"""The widget behind every view: its bundle in a notebook, its wire inside ipywidgets' boxes and outside JupyterLab."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import anywidget
import traitlets

from ..errors import InternalError
from ..guard.secrets import shown
from .bundle import bundle, payload
from .channel import Channel, in_this_context, unbind
from .hub import Hub, hub
from .live import Shown
from .messages import Payload, ViewName
from .sheet import Sheet

__all__ = ["View", "module_text"]


@cache
def module_text(view: ViewName) -> str:
    """The built front-end module of a view.

    Raises:
        InternalError: the package was installed without its front end.
    """
    file = resources.files(__package__).joinpath("static", f"{view}.js")
    if not file.is_file():
        raise InternalError(
            f"The front end of {view} isn't built, so there is nothing to draw it with.",
            "Build it: pip install --editable . (or make install) in the package's folder.",
        )
    return file.read_text("utf-8")


class _Module:
    """Reads the front-end module when a widget is made, not when its class is."""

    def __get__(self, instance: View | None, owner: type[View]) -> Any:
        return self if instance is None else module_text(instance.view)


class View(anywidget.AnyWidget):
    """A widget that shows one live object.

    Subclasses set `view`, and give `source()`, `saved()` and `sheet()`.
    """

    view: ViewName
    _esm = _Module()

    payload = traitlets.Dict(help="What a notebook keeps; the widget draws it until its kernel has confirmed it.").tag(
        sync=True
    )

    def __init__(self, source: Shown, **traits: Any) -> None:
        self._source = hub().add(source)
        self._channel = Channel(in_this_context(self._send_custom))
        super().__init__(payload=dict(self.saved()), **traits)
        self.on_msg(self._on_message)

    def open(self) -> None:
        """Open the widget's comm, so that a click on it reaches a busy kernel."""
        super().open()
        unbind(self.comm)

    def _send_custom(self, message: dict[str, Any], *, buffers: list[bytes] | None) -> None:
        self.send(message, buffers)

    def _on_message(self, _widget: Any, message: Any, _buffers: Any) -> None:
        if not isinstance(message, Mapping):
            return
        if message.get("type") == "open":
            self._channel.heard()
            self._source.join(self._channel)
            self.hub.wake()
        else:
            self._source.receive(self._channel, message)

    @property
    def hub(self) -> Hub:
        """Where the kernel keeps what it displays."""
        return hub()

    def data(self) -> dict[str, Any]:
        """The view's data that may be saved."""
        raise NotImplementedError

    def sheet(self) -> Sheet:
        """What HTML and text say."""
        raise NotImplementedError

    def picture(self) -> bytes | None:
        """A PNG for places that show nothing else."""
        return None

    def saved(self) -> Payload:
        """The saved data, as the widget holds it."""
        return payload(self.view, self._source.key, self.hub.session.nonce, self.data())

    def bundle(self) -> dict[str, Any]:
        """Every format of the object, as a notebook keeps it."""
        live = self.hub.session.in_kernel
        return bundle(
            self.saved(),
            self.sheet(),
            widget=self.model_id if live else None,
            picture=self.picture(),
            complete=not live,
        )

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return self.bundle(), {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {shown(self.sheet().title, 80)}>"

    def __str__(self) -> str:
        from .text import draw

        return draw(self.sheet())
