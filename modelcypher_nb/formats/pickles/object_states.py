"""Whether filling an instance stays filling: which states make a library's `__setstate__` call what the file put there.

`torch.nn.Module.__setstate__` looks for `register_parameter` on the instance, so an instance that is filled with an
attribute of that name calls it, with hooks that may chain any other call. Whoever subclasses Module inherits that:
these rules hold for every instance, listed or not. The methods were read as tools/reviewed_hooks.py tells.
"""

from __future__ import annotations

from typing import Any

from .values import Global, Opaque, PlainDict

__all__ = ["StateJudge"]

# Attributes that a `__setstate__` or `__del__` calls: no object and no name may stand there, for it may be callable.
CALLED = frozenset({
    "register_parameter", "register_buffer",  # torch.nn.Module.__setattr__, which its __setstate__ uses
    "_get_item_by_idx",  # torch.nn.Sequential.__getitem__, which RNNBase.__setstate__ uses on weights
    "_patch_step_function", "profile_hook_step",  # torch.optim.Optimizer.__setstate__
    "_build_f",  # sklearn.isotonic.IsotonicRegression.__setstate__, with two values of the state as arguments
    "_attach_methods", "_attach_argparser_methods",  # scipy.stats.rv_generic.__setstate__
    "_initialize",  # torch._dynamo.OptimizedModule.__setstate__
    "close", "_close", "cleanup", "_cleanup", "shutdown", "_shutdown_workers",  # what a __del__ calls
})  # fmt: skip
# Attributes whose methods and operators a `__setstate__` uses: no object may stand there.
USED = frozenset({
    "_parameters", "_buffers", "_modules", "_non_persistent_buffers_set",  # torch.nn.Module
    "_flat_weights_names", "_flat_weights", "_all_weights", "all_weights",  # torch.nn.RNNBase
    "defaults", "param_groups",  # torch.optim.Optimizer
    "_sklearn_version",  # sklearn.base.BaseEstimator prints it
})  # fmt: skip
OPTIMIZED = ("param_groups", "state", "defaults")  # the hooks of Adam and its kin look into each group and each state
THRESHOLDS = ("X_thresholds_", "y_thresholds_", "_necessary_X_", "_necessary_y_")  # IsotonicRegression makes arrays
WATCHED = CALLED | USED
# scipy.stats executes this text when it fills a distribution, somebody's own subclass of rv_continuous among them.
EXECUTED = "_parse_arg_template"
# What Module.__getattr__ would answer with, from one of its dicts, where its own attribute lacks.
HOLDERS = ("_modules", "_parameters", "_buffers")
NEVER_HELD = frozenset({
    "register_parameter", "register_buffer", "_non_persistent_buffers_set",
    "_flat_weights_names", "_flat_weights", "_all_weights",
})  # fmt: skip
# RNNBase counts with these; as attributes of other classes they may be objects.
COUNTED = ("num_layers", "bidirectional", "bias", "proj_size")
DEEPEST = 4  # how far the hooks of an optimizer and of RNNBase reach into lists and dicts
MOST_LOOKED_AT = 2_000_000  # values; a pickle may give the same long list to each of a hundred thousand instances


class StateJudge:
    """The judgement over the states of one pickle."""

    def __init__(self) -> None:
        self._left = MOST_LOOKED_AT

    def is_inert(self, state: dict[str, Any]) -> bool:
        """Whether no `__setstate__` that was read calls or uses an object of the file when it takes this state."""
        if EXECUTED in state:
            return False
        for key in WATCHED:
            if key in state and type(state[key]) in {Opaque, Global}:
                return False
        if "param_groups" in state and any(self._holds_object(state.get(key)) for key in OPTIMIZED):
            return False
        if any(self._holds_object(state[key]) for key in THRESHOLDS if key in state):
            return False
        return not any(holder in state for holder in HOLDERS) or self._is_plain_module(state)

    def _is_plain_module(self, state: dict[str, Any]) -> bool:
        for holder in HOLDERS:
            held = state.get(holder, {})
            if type(held) not in {dict, PlainDict} and held is not None:
                return False
            if held and any(key in held for key in NEVER_HELD):
                return False
        if "_all_weights" not in state and "all_weights" not in state:
            return True
        weights = ("_all_weights", "all_weights", "_flat_weights_names", "_flat_weights", *COUNTED)
        held_counts = any(key in (state.get(holder) or ()) for holder in HOLDERS for key in COUNTED)
        return not held_counts and not any(self._holds_object(state.get(key)) for key in weights)

    def _holds_object(self, value: Any, nesting: int = 0) -> bool:
        """Whether an object stands in a value, as deep as those methods look; one that is too long to look at does."""
        kind = type(value)
        if kind is Opaque:
            return True
        if nesting >= DEEPEST or kind not in {dict, PlainDict, list, tuple, set}:
            return False
        self._left -= len(value)
        if self._left < 0:
            return True
        items = [one for pair in value.items() for one in pair] if isinstance(value, dict) else value
        return any(self._holds_object(one, nesting + 1) for one in items)
