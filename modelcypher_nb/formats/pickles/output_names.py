"""What models of transformers answer with, as the dicts of tensors that they are.

Source: `ModelOutput` of transformers 4 and 5, a dict that is made of its fields and then given them as items and state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .trust import Reading, Trusted
from .values import PlainDict, Tensor, UnfitError

if TYPE_CHECKING:
    from .context import Context

__all__ = ["NAMES"]

MODULE = "transformers.modeling_outputs"
CLASSES = (
    "BaseModelOutput", "BaseModelOutputWithNoAttention", "BaseModelOutputWithPooling",
    "BaseModelOutputWithPoolingAndNoAttention", "BaseModelOutputWithPast", "BaseModelOutputWithCrossAttentions",
    "BaseModelOutputWithPoolingAndCrossAttentions", "BaseModelOutputWithPastAndCrossAttentions", "MoEModelOutput",
    "MoeModelOutputWithPast", "MoeCausalLMOutputWithPast", "MoEModelOutputWithPastAndCrossAttentions",
    "Seq2SeqModelOutput", "Seq2SeqMoEModelOutput", "CausalLMOutput", "CausalLMOutputWithPast",
    "CausalLMOutputWithCrossAttentions", "SequenceClassifierOutputWithPast", "MaskedLMOutput", "Seq2SeqLMOutput",
    "Seq2SeqMoEOutput", "NextSentencePredictorOutput", "SequenceClassifierOutput", "Seq2SeqSequenceClassifierOutput",
    "MultipleChoiceModelOutput", "TokenClassifierOutput", "QuestionAnsweringModelOutput",
    "Seq2SeqQuestionAnsweringModelOutput", "SemanticSegmenterOutput", "ImageClassifierOutput",
    "ImageClassifierOutputWithNoAttention", "DepthEstimatorOutput", "ImageSuperResolutionOutput",
    "Wav2Vec2BaseModelOutput", "XVectorOutput", "BackboneOutput", "BaseModelOutputWithPoolingAndProjection",
    "Seq2SeqSpectrogramOutput", "Seq2SeqTSModelOutput", "Seq2SeqTSPredictionOutput", "SampleTSPredictionOutput",
    "MaskedImageModelingOutput",
)  # fmt: skip
DEEPEST = 4
FIELD_COST = 64  # for each value in a tuple


def _is_field(context: Context, value: Any, nesting: int = 0) -> bool:
    if value is None or type(value) is Tensor:
        return True
    if type(value) is not tuple or nesting >= DEEPEST:
        return False
    context.spend(FIELD_COST * len(value))  # tuples of one tuple of one tuple stand for endless ones
    return all(_is_field(context, one, nesting + 1) for one in value)


def _output_of(kind: str) -> Reading:
    def read(context: Context, arguments: tuple[Any, ...]) -> PlainDict:
        """The fields, which its items then name."""
        if not all(_is_field(context, one) for one in arguments):
            raise UnfitError("is given what are no tensors")
        return PlainDict(kind)

    return read


NAMES: dict[tuple[str, str], Trusted] = {
    (MODULE, name): Trusted("a dict of tensors", _output_of(f"{MODULE}.{name}"), level="data") for name in CLASSES
}
