"""What trainers keep beside a model: their arguments and settings, which are nothing but attributes.

Source: the `training_args.bin` of transformers 4 and 5, of trl and of sentence-transformers. Each class was read: it
has no `__setstate__`, `__setattr__` or `__del__` of its own that acts on what it is given.
"""

from __future__ import annotations

from .library_names import attributes_of
from .trust import Trusted

__all__ = ["NAMES"]

CLASSES: dict[str, tuple[str, ...]] = {
    "transformers.training_args": ("TrainingArguments",),
    "transformers.training_args_seq2seq": ("Seq2SeqTrainingArguments",),
    "transformers.trainer_pt_utils": ("AcceleratorConfig",),
    "transformers.generation.configuration_utils": ("GenerationConfig",),
    "transformers.trainer_callback": ("TrainerState",),
    "accelerate.state": ("PartialState",),
    "trl.trainer.base_config": ("_BaseConfig",),
    "trl.trainer.sft_config": ("SFTConfig",),
    "trl.trainer.dpo_config": ("DPOConfig",),
    "trl.trainer.grpo_config": ("GRPOConfig",),
    "trl.trainer.rloo_config": ("RLOOConfig",),
    "trl.trainer.kto_config": ("KTOConfig",),
    "trl.trainer.reward_config": ("RewardConfig",),
    "sentence_transformers.training_args": ("SentenceTransformerTrainingArguments",),
    "sentence_transformers.sentence_transformer.training_args": ("SentenceTransformerTrainingArguments",),
    "sentence_transformers.cross_encoder.training_args": ("CrossEncoderTrainingArguments",),
    "sentence_transformers.sparse_encoder.training_args": ("SparseEncoderTrainingArguments",),
}
NAMES: dict[tuple[str, str], Trusted] = {
    (module, name): Trusted(
        "a trainer's settings, which are attributes",
        attributes_of(f"{module}.{name}"),
        level="data",
        is_only_made=True,
    )
    for module, names in CLASSES.items()
    for name in names
}
