"""Names that model folders carry without naming anybody's own code: data, frozen from the libraries that read them."""

from __future__ import annotations

__all__ = ["KNOWN_LIBRARIES", "KNOWN_MODULES", "PIPELINE_MODULES"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# The classes of Sentence Transformers 0.2 to 6 that a modules.json names.
KNOWN_MODULES = _words(
    "ALBERT Asym BERT BoW CLIPModel CNN CamemBERT CausalScoreHead Dense DistilBERT Dropout HierarchicalTokenPooling"
    " LSTM LayerNorm LogitScore MLMTransformer MultiVectorMask Normalize Pooling RoBERTa Router SparseAutoEncoder"
    " SparseStaticEmbedding SpladePooling StaticEmbedding T5 Transformer WeightedLayerPooling WordEmbeddings"
    " WordWeights XLMRoBERTa XLNet"
)

# The libraries that a component of a Diffusers pipeline comes from.
KNOWN_LIBRARIES = frozenset(
    {
        "diffusers",
        "onnxruntime.training",
        "optimum.intel.openvino.modeling_diffusion",
        "optimum.onnxruntime.modeling_diffusion",
        "transformers",
    }
)

# The folders of diffusers.pipelines, versions 0.3 to 0.42: a component may name one in place of a library.
PIPELINE_MODULES = _words(
    """ace_step allegro alt_diffusion amused animatediff anyflow audio_diffusion audioldm audioldm2 aura_flow
    blip_diffusion bria bria_fibo bria_fibo2 chroma chronoedit cogvideo cogview3 cogview4 consisid consistency_models
    controlnet controlnet_hunyuandit controlnet_sd3 controlnet_xs cosmos dance_diffusion ddim ddpm deepfloyd_if
    deprecated diffusion_gemma dit dreamlite easyanimate ernie_image flux flux2 free_noise_utils glm_image helios
    hidream_image hunyuan_image hunyuan_video hunyuan_video1_5 hunyuandit i2vgen_xl ideogram4 joyimage kandinsky
    kandinsky2_2 kandinsky3 kandinsky5 kandinsky6 kolors krea2 latent_consistency_models latent_diffusion
    latent_diffusion_uncond latte ledits_pp llada2 longcat_audio_dit longcat_image ltx ltx2 lucy lumina lumina2 marigold
    mochi motif_video musicldm nucleusmoe_image omnigen ovis_image pag paint_by_example pia pixart_alpha pndm prx
    qwenimage qwenimage21 repaint rfd4_proteina sana sana_video sana_wm score_sde_ve semantic_stable_diffusion shap_e
    skyreels_v2 spectrogram_diffusion stable_audio stable_audio_3 stable_cascade stable_diffusion stable_diffusion_3
    stable_diffusion_attend_and_excite stable_diffusion_diffedit stable_diffusion_gligen stable_diffusion_k_diffusion
    stable_diffusion_ldm3d stable_diffusion_panorama stable_diffusion_safe stable_diffusion_sag stable_diffusion_xl
    stable_unclip stable_video_diffusion stochastic_karras_ve t2i_adapter text_to_video_synthesis unclip unidiffuser
    versatile_diffusion visualcloze vq_diffusion wan wuerstchen z_image"""
)
