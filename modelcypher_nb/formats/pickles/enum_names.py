"""Enum classes by their exact names: `Class("text")` is one of their values, and any other such call runs code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .arguments import exactly
from .trust import Reading, Trusted
from .values import Shell, UnfitError

if TYPE_CHECKING:
    from .context import Context

__all__ = ["NAMES"]

LONGEST_VALUE = 200
# Each by its module: what trainers, adapters and configurations keep in their pickles.
CLASSES: dict[str, tuple[str, ...]] = {
    "transformers.trainer_utils": (
        "IntervalStrategy", "EvaluationStrategy", "SaveStrategy", "HubStrategy", "HPSearchBackend", "SchedulerType",
        "FSDPOption", "ShardedDDPOption",
    ),
    "transformers.training_args": ("OptimizerNames", "ParallelMode"),
    "transformers.debug_utils": ("DebugOption",),
    "transformers.generation.configuration_utils": ("GenerationMode",),
    "transformers.integrations.integration_utils": ("WandbLogModel",),
    "transformers.tokenization_utils_base": ("TruncationStrategy", "PaddingStrategy", "TensorType"),
    "transformers.file_utils": ("PaddingStrategy", "TensorType"),
    "transformers.utils.generic": ("PaddingStrategy", "TensorType"),
    "transformers.utils.quantization_config": ("QuantizationMethod", "AwqFormat", "AwqBackend", "ExllamaVersion",
                                               "AWQLinearVersion", "AwqBackendPackingMethod"),
    "transformers.image_utils": ("ChannelDimension", "AnnotationFormat", "ImageType"),
    "accelerate.utils.dataclasses": (
        "DDPCommunicationHookType", "DistributedType", "SageMakerDistributedType", "FP8BackendType",
        "ComputeEnvironment", "DynamoBackend", "LoggerType", "PrecisionType", "RNGType", "CustomDtype",
    ),
    "accelerate.state": ("DistributedType",),
    "peft.utils.peft_types": ("PeftType", "TaskType"),
    "peft.utils.config": ("PeftType", "TaskType"),
    "peft.tuners.prompt_tuning.config": ("PromptTuningInit",),
    "peft.tuners.prompt_tuning": ("PromptTuningInit",),
    "peft.tuners.p_tuning.config": ("PromptEncoderReparameterizationType",),
    "peft.tuners.p_tuning": ("PromptEncoderReparameterizationType",),
    "peft.tuners.multitask_prompt_tuning.config": ("MultitaskPromptTuningInit",),
    "sentence_transformers.training_args": ("BatchSamplers", "MultiDatasetBatchSamplers"),
    "sentence_transformers.base.sampler": ("BatchSamplers", "MultiDatasetBatchSamplers"),
    "sentence_transformers.similarity_functions": ("SimilarityFunction",),
    "sentence_transformers.util.similarity": ("SimilarityFunction",),
    "lightning.pytorch.trainer.states": ("TrainerStatus", "TrainerFn", "RunningStage"),
    "pytorch_lightning.trainer.states": ("TrainerStatus", "TrainerFn", "RunningStage"),
    "lightning.pytorch.utilities.enums": ("GradClipAlgorithmType",),
    "pytorch_lightning.utilities.enums": ("GradClipAlgorithmType",),
    "lightning.pytorch.callbacks.early_stopping": ("EarlyStoppingReason",),
}  # fmt: skip


def _member_of(kind: str) -> Reading:
    def read(context: Context, arguments: tuple[Any, ...]) -> Shell:
        del context
        exactly(arguments, 1)
        value = arguments[0]
        if type(value) is not int and not (type(value) is str and len(value) <= LONGEST_VALUE):
            raise UnfitError("is given a value that is neither a short text nor a number")
        return Shell(kind, value)

    return read


NAMES: dict[tuple[str, str], Trusted] = {
    (module, name): Trusted("one of a few texts", _member_of(f"{module}.{name}"), is_value=True, level="data")
    for module, names in CLASSES.items()
    for name in names
}
