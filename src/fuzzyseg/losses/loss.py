"""What all losses have in common: settings that travel as one value, and a short `repr`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import nn

if TYPE_CHECKING:
    from fuzzyseg.losses.inputs import InputKind, Reduction


class Loss(nn.Module):
    """A loss and its settings, each of them an attribute that may change during training.

    Parameters
    ----------
    settings : NamedTuple
        Ends with `input_kind`, {"logits", "probabilities"}: whether a softmax is still to be
        taken, and `reduction`, {"mean", "sum", "none"}. Its `check` raises InputError if one is
        out of range.
    """

    input_kind: InputKind
    reduction: Reduction
    _numbers: tuple[str, ...] = ("q", "beta", "lam", "neighbours")  # always shown

    def __init__(self, settings: Any) -> None:
        super().__init__()
        settings.check()
        self._kind = type(settings)
        for name, value in settings._asdict().items():
            setattr(self, name, value)

    @property
    def settings(self) -> Any:
        """The settings as they are now, checked."""
        found = self._kind(*[getattr(self, name) for name in self._kind._fields])
        found.check()
        return found

    def extra_repr(self) -> str:
        """Show the numbers of the equation, and what else is not as by default."""
        usual = self._kind._field_defaults
        shown = {name: getattr(self, name) for name in self._kind._fields}
        return ", ".join(
            f"{name}={value!r}"
            for name, value in shown.items()
            if value != usual[name] or name in self._numbers
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.extra_repr()})"
