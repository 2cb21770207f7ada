"""lmms-eval model plugins, by the name that stands after `--model`."""

#: name -> class, imported by lmms-eval when the model is asked for.
MANIFESTS = {
    "evovlm_jp_v1": "lmms_eval_ja.models.remote.evovlm_jp_v1.EvoVlmJpV1",
    "evovlm_jp_v2": "lmms_eval_ja.models.remote.evovlm_jp_v2.EvoVlmJpV2",
    "heron_git": "lmms_eval_ja.models.remote.heron_git.HeronGit",
    "heron_nvila_lite": "lmms_eval_ja.models.remote.heron_nvila_lite.HeronNvilaLite",
    "internvl2": "lmms_eval_ja.models.remote.internvl2.InternVl2",
    "ja_api": "lmms_eval_ja.models.api.ApiModel",
    "ja_vlm": "lmms_eval_ja.models.chat_vlm.ChatVlm",
    "japanese_instructblip_alpha": "lmms_eval_ja.models.remote.stability.JapaneseInstructBlipAlpha",
    "japanese_stable_vlm": "lmms_eval_ja.models.remote.stability.JapaneseStableVlm",
    "llava15": "lmms_eval_ja.models.families.plugins.Llava15",
    "llava16": "lmms_eval_ja.models.families.plugins.Llava16",
    "llava_calm2_siglip": "lmms_eval_ja.models.families.plugins.LlavaCalm2Siglip",
    "llm_jp_4_vl": "lmms_eval_ja.models.remote.llm_jp_4_vl.LlmJp4Vl",
    "llm_jp_vila": "lmms_eval_ja.models.vila.plugins.LlmJpVila",
    "mllama": "lmms_eval_ja.models.families.plugins.Mllama",
    "mllama_instruct": "lmms_eval_ja.models.families.plugins.MllamaInstruct",
    "pangea": "lmms_eval_ja.models.families.plugins.Pangea",
    "replay": "lmms_eval_ja.models.replay.Replay",
    "sarashina22_vision": "lmms_eval_ja.models.remote.sarashina_vision.Sarashina22Vision",
    "sarashina2_vision": "lmms_eval_ja.models.remote.sarashina_vision.Sarashina2Vision",
    "vila15": "lmms_eval_ja.models.vila.plugins.Vila15",
}
