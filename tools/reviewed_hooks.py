# ruff: noqa: INP001 - beside a program, no package
"""What pickle runs of the classes that object_tables.py lists: each method, a digest of its text, why it is harmless.

`object_states.py` is meant where a reason says "refused": a state that would make the method call what the file itself
put there is judged `code`. A method without the two underscores is one that such a hook calls.
"""

from __future__ import annotations

__all__ = ["REVIEWED"]

MODULE = (
    "updates its own dict, then sets missing dicts of hooks through __setattr__; `register_parameter` and "
    "`register_buffer` as attributes, and containers that are no dicts, are refused"
)
OPTIMIZER = (
    "updates its own dict, wraps its class's own step, and sets a default; `_patch_step_function` and "
    "`profile_hook_step` as attributes, and `defaults` that is an object, are refused"
)
MODULE_THEN_DEFAULT = "as Module's, then one missing attribute gets a constant"
STEP = "as Optimizer's, then defaults in each group and steps as tensors; objects within groups and state are refused"
WARNS = "warns that the class is deprecated, then object.__new__"

REVIEWED: dict[str, tuple[str, str]] = {
    # torch.nn
    "torch.nn.modules.module.Module.__setstate__": ("eac295938055da83", MODULE),
    "torch.nn.modules.module.Module.__getattr__": ("b93d234c2be91385", "looks in its three dicts; others are refused"),
    "torch.nn.modules.module.Module.__setattr__": ("bda2bcfa60a078fb", "registers what it is given; see __setstate__"),
    "torch.nn.modules.module.Module.register_parameter": (
        "15f0bbc613c89a8e",
        "checks, then sets in `_parameters`",
    ),
    "torch.nn.modules.module.Module.register_buffer": ("f4d4d8a819db2b05", "checks, then sets in `_buffers`"),
    "torch.nn.modules.module._WrappedHook.__setstate__": (
        "e4ae61968150b492",
        "keeps a hook and a weak reference; has a shape of its own in torch_calls.py",
    ),
    "torch.nn.modules.activation.LogSoftmax.__setstate__": ("be555d51dff7a1ab", MODULE_THEN_DEFAULT),
    "torch.nn.modules.activation.Softmax.__setstate__": ("be555d51dff7a1ab", MODULE_THEN_DEFAULT),
    "torch.nn.modules.activation.Softmin.__setstate__": ("be555d51dff7a1ab", MODULE_THEN_DEFAULT),
    "torch.nn.modules.activation.MultiheadAttention.__setstate__": ("d9f84d47f4c7a7f8", MODULE_THEN_DEFAULT),
    "torch.nn.modules.conv._ConvNd.__setstate__": ("afbb9709ca4cdf22", MODULE_THEN_DEFAULT),
    "torch.nn.modules.pooling.AvgPool3d.__setstate__": ("39c12343fc94c8ec", MODULE_THEN_DEFAULT),
    "torch.nn.modules.transformer.TransformerDecoderLayer.__setstate__": ("76f9b0f043ee5b90", MODULE_THEN_DEFAULT),
    "torch.nn.modules.transformer.TransformerEncoderLayer.__setstate__": ("1674ea7d743d73d2", MODULE_THEN_DEFAULT),
    "torch.nn.modules.upsampling.Upsample.__setstate__": ("4168cc6c42c12944", MODULE_THEN_DEFAULT),
    "torch.nn.modules.rnn.RNNBase.__setstate__": (
        "610b07a3f954efa0",
        "as Module's, then looks into lists of weights and counts layers; objects within these are refused",
    ),
    "torch.nn.modules.rnn.RNNBase.__setattr__": (
        "325da9acb36b50bf",
        "looks for a name in a list of texts, and as Module's; objects there are refused",
    ),
    "torch.nn.modules.container.Container.__new__": ("14738faf6238d5c9", WARNS),
    "torch.nn.modules.loss.NLLLoss2d.__new__": ("14738faf6238d5c9", WARNS),
    # torch.optim and torch.amp
    "torch.optim.optimizer.Optimizer.__setstate__": ("0ccffe5348d1bd9c", OPTIMIZER),
    "torch.optim.optimizer.Optimizer._patch_step_function": ("15a434bb57af6fe6", "wraps the class's own step once"),
    "torch.optim.optimizer.Optimizer.profile_hook_step": ("c2387d11f5caee69", "makes a wrapper that only a step calls"),
    "torch.optim.Adafactor.__setstate__": ("84e66209efed2941", STEP),
    "torch.optim.adadelta.Adadelta.__setstate__": ("068b25d6b50d669a", STEP),
    "torch.optim.adagrad.Adagrad.__setstate__": ("3043e48a2c6f9401", STEP),
    "torch.optim.adam.Adam.__setstate__": ("15e12c61167867b6", STEP),
    "torch.optim.adamax.Adamax.__setstate__": ("068b25d6b50d669a", STEP),
    "torch.optim.adamw.AdamW.__setstate__": ("022877e23109ac2a", STEP),
    "torch.optim.asgd.ASGD.__setstate__": ("dc261167b0ba4eb6", STEP),
    "torch.optim.nadam.NAdam.__setstate__": ("ca9218344789fd59", STEP),
    "torch.optim.radam.RAdam.__setstate__": ("0583027997bb38d3", STEP),
    "torch.optim.rmsprop.RMSprop.__setstate__": ("9d66be9c7451b83e", STEP),
    "torch.optim.rprop.Rprop.__setstate__": ("068b25d6b50d669a", STEP),
    "torch.optim.sgd.SGD.__setstate__": ("6c3983671e54c3bb", STEP),
    "torch.amp.grad_scaler.GradScaler.__setstate__": ("cd6e3a20fb6eacbe", "updates its own dict"),
    "torch.utils.data.dataloader.DataLoader.__setattr__": ("07c6b139fb1fe959", "refuses some names, then object's"),
    # scikit-learn and scipy
    "sklearn.base.BaseEstimator.__setstate__": (
        "c9a57edc6ee4221d",
        "updates its own dict and compares a version, which it prints in a warning; one that is an object is refused",
    ),
    "sklearn.isotonic.IsotonicRegression.__setstate__": (
        "ea0f04474f872668",
        "as BaseEstimator's, then its own _build_f makes an interpolation; `_build_f` as an attribute is refused",
    ),
    "sklearn.isotonic.IsotonicRegression._build_f": (
        "4e21ea4bb2816151",
        "interp1d over arrays; objects are refused",
    ),
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor.__setstate__": (
        "a0bee231f1066651",
        "casts an array to another dtype; has a shape of its own in sklearn_calls.py",
    ),
    "sklearn.frozen._frozen.FrozenEstimator.__getattr__": (
        "b9b44f03ebecb4ff",
        "asks what it holds, and never for __setstate__, which its base has",
    ),
    "sklearn.utils._metadata_requests.MetadataRequest.__getattr__": (
        "762c08ce53968594",
        "knows two names, neither of which pickle asks for",
    ),
    "sklearn.linear_model._passive_aggressive.PassiveAggressiveClassifier.__new__": ("f044747d7b65ff57", WARNS),
    "sklearn.linear_model._passive_aggressive.PassiveAggressiveRegressor.__new__": ("f044747d7b65ff57", WARNS),
    "scipy.sparse._coo.coo_matrix.__setstate__": ("2a97d325e70aa013", "renames two entries and updates its own dict"),
}
