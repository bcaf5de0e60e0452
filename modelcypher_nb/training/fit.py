"""The simple supervised loop: forward, loss, backward, step; accuracy for classes, evaluation after each epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..errors import UsageError
from ..extras import require
from ..guard.secrets import shown
from .dynamics import accuracy, samples_in

if TYPE_CHECKING:
    from .run import Run

__all__ = ["evaluate", "fit"]


def fit(
    run: Run,
    model: Any,
    loader: Iterable[Any],
    loss_fn: Callable[..., Any],
    *,
    epochs: int = 1,
    eval_loader: Iterable[Any] | None = None,
    schedule: Literal["step", "epoch"] = "epoch",
    clip_norm: float | None = None,
    wait: bool = False,
) -> Run:
    """Train a supervised model in a background thread.

    Args:
        run: with the optimizer; its model, if it has one, is the one to train.
        model: called with a batch's inputs, on its own device.
        loader: gives `(inputs, targets)`.
        loss_fn: called with outputs and targets; a mean over the batch.
        epochs: passes over the data.
        eval_loader: the same for `eval/loss` and `eval/accuracy` after each epoch.
        schedule: when the run's scheduler steps.
        clip_norm: gradients are scaled down to this norm; the logged norm is the one after.
        wait: whether to stay in the cell until it is done.

    Raises:
        UsageError: the run has no optimizer, or another model.
    """
    if run.optimizer is None:
        raise UsageError(
            "run.fit needs an optimizer.", "Give it to the run: TrainingRun(model=model, optimizer=optimizer)"
        )
    if run.model is None:
        run.objects.model = model
    elif run.model is not model:
        raise UsageError(
            "run.fit was given another model than the run, whose checkpoints would be of the wrong one.",
            "Give both the same: run.fit(run.model, ...)",
        )
    if schedule not in {"step", "epoch"}:
        raise UsageError(f"schedule is {shown(repr(schedule), 40)}.", 'Give schedule="step" or schedule="epoch".')
    if run.total_steps is None and isinstance(loader, Sized):
        run.total_steps = len(loader) * epochs
    loop = _Loop(model, loader, loss_fn, eval_loader, schedule, clip_norm)
    return run.start(loop.train, epochs, wait=wait)


@dataclass
class _Loop:
    """What the epochs of one `fit` share."""

    model: Any
    loader: Iterable[Any]
    loss_fn: Callable[..., Any]
    eval_loader: Iterable[Any] | None
    schedule: str
    clip_norm: float | None

    def train(self, run: Run, epochs: int) -> None:
        device = run.objects.device()
        for epoch in range(epochs):
            past = run.is_past(epoch)  # asked first: the loop moves on
            self.model.train()
            for batch in run.steps(self.loader):
                self._step(run, batch, device)
            if run.state != "running":  # stopped
                return
            if past:
                continue
            if self.schedule == "epoch" and run.objects.scheduler is not None:
                run.objects.scheduler.step()
            if self.eval_loader is not None:
                run.log(evaluate(self.model, self.eval_loader, self.loss_fn, device))

    def _step(self, run: Run, batch: Any, device: str | None) -> None:
        torch = require("torch", "Training")
        inputs, targets = _pair(batch, device)
        outputs = self.model(inputs)
        loss = self.loss_fn(outputs, targets)
        run.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if self.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)
        run.optimizer.step()
        if self.schedule == "step" and run.objects.scheduler is not None:
            run.objects.scheduler.step()
        values = {"train/loss": loss}
        if _are_classes(outputs, targets):
            values["train/accuracy"] = accuracy(outputs, targets)
        run.log(values)


def _pair(batch: Any, device: str | None) -> tuple[Any, Any]:
    if not isinstance(batch, list | tuple) or len(batch) != 2:
        raise UsageError(
            f"The loader gave a {type(batch).__name__}, where run.fit takes pairs of inputs and targets.",
            "Write the loop yourself: for batch in run.steps(loader): ...",
        )
    inputs, targets = batch
    return (inputs.to(device), targets.to(device)) if device is not None else (inputs, targets)


def _are_classes(outputs: Any, targets: Any) -> bool:
    """Whether targets are class indices for the outputs' second dimension."""
    return (
        outputs.dim() >= 2
        and not targets.is_floating_point()
        and not targets.is_complex()
        and targets.shape == outputs.shape[:1] + outputs.shape[2:]
    )


def evaluate(model: Any, loader: Iterable[Any], loss_fn: Callable[..., Any], device: str | None) -> dict[str, float]:
    """Mean loss over the samples of a loader, and accuracy where targets are classes; the model's mode is put back.

    Shuffling in the loader draws from a generator that is put back too, so that evaluation doesn't change training.
    """
    torch = require("torch", "Evaluating")
    was_training = model.training
    model.eval()
    total = hits = 0.0
    count, classes = 0, False
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            for batch in loader:
                inputs, targets = _pair(batch, device)
                outputs = model(inputs)
                size = samples_in(batch)
                total += float(loss_fn(outputs, targets)) * size
                classes = _are_classes(outputs, targets)
                hits += float(accuracy(outputs, targets)) * size if classes else 0.0
                count += size
    finally:
        model.train(was_training)
    if not count:
        raise UsageError("The evaluation loader gave no batch.", "Give eval_loader some data, or leave it out.")
    return {"eval/loss": total / count, **({"eval/accuracy": hits / count} if classes else {})}
