"""What the small weights of both versions have in common: configurations, and the networks that listen to a reference clip."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import SeamlessM4TFeatureExtractor, Wav2Vec2BertConfig, Wav2Vec2BertModel

CODES = 64  # and behind them the start and the stop
EMOTIONS = [2, 1, 1, 1, 2, 1, 1, 1]

CONDITION = {
    "output_size": 16, "linear_units": 16, "attention_heads": 2, "num_blocks": 1, "input_layer": "conv2d2", "perceiver_mult": 2,
}  # fmt: skip
GPT = {
    "heads": 2, "max_mel_tokens": 60, "max_text_tokens": 400, "start_text_token": 0, "stop_text_token": 1,
    "number_mel_codes": CODES + 2, "start_mel_token": CODES, "stop_mel_token": CODES + 1, "emo_condition_module": CONDITION,
}  # fmt: skip
CODEC = {
    "codebook_size": CODES + 2, "hidden_size": 1024, "codebook_dim": 8,
    "vocos_dim": 16, "vocos_intermediate_dim": 32, "vocos_num_layers": 1,
}  # fmt: skip
S2MEL = {
    "preprocess_params": {
        "sr": 22050,
        "spect_params": {"n_fft": 1024, "win_length": 1024, "hop_length": 256, "n_mels": 80, "fmin": 0, "fmax": "None"},
    },
    "dit_type": "DiT",
    "style_encoder": {"dim": 192},
    "length_regulator": {"channels": 16, "in_channels": 1024, "content_codebook_size": 8, "sampling_ratios": [1, 1]},
    "DiT": {
        "hidden_dim": 16, "num_heads": 2, "depth": 3, "class_dropout_prob": 0.1, "in_channels": 80, "style_condition": True,
        "final_layer_type": "wavenet", "content_dim": 16, "content_codebook_size": 8, "content_type": "discrete",
        "is_causal": False, "long_skip_connection": True, "time_as_token": False, "style_as_token": False,
        "uvit_skip_connection": True,
    },
    "wavenet": {
        "hidden_dim": 16, "num_layers": 2, "kernel_size": 5, "dilation_rate": 1, "p_dropout": 0.2, "style_condition": True,
    },
}  # fmt: skip
FILES = {
    "gpt_checkpoint": "gpt.pth", "w2v_stat": "wav2vec2bert_stats.pt", "s2mel_checkpoint": "s2mel.pth",
    "emo_matrix": "feat2.pt", "spk_matrix": "feat1.pt", "emo_num": EMOTIONS,
}  # fmt: skip
VOCODER = {
    "resblock": "1", "num_mels": 80, "upsample_initial_channel": 64, "upsample_rates": [4, 4, 2, 2, 2, 2],
    "upsample_kernel_sizes": [8, 8, 4, 4, 4, 4], "resblock_kernel_sizes": [3], "resblock_dilation_sizes": [[1, 3, 5]],
    "activation": "snakebeta", "snake_logscale": True, "use_tanh_at_final": False, "use_bias_at_final": False,
}  # fmt: skip


def save_common(folder: Path, width: int, campplus: torch.nn.Module, vocoder: Callable[[Path], Any]) -> None:
    """Everything that both versions have under the same name and in the same form.

    Args:
        width: of the GPT.
        vocoder: makes it by the file of its configuration.
    """
    torch.save(torch.randn(sum(EMOTIONS), 192), folder / "feat1.pt")
    torch.save(torch.randn(sum(EMOTIONS), width), folder / "feat2.pt")
    torch.save({"mean": torch.zeros(1024), "var": torch.ones(1024)}, folder / "wav2vec2bert_stats.pt")

    heard = folder / "hf_cache"
    torch.save(campplus.state_dict(), heard / "campplus_cn_common.bin")
    (heard / "bigvgan" / "config.json").write_text(json.dumps(VOCODER))
    made = vocoder(heard / "bigvgan" / "config.json")
    made.conv_post.weight.data *= 0.02
    torch.save({"generator": made.state_dict()}, heard / "bigvgan" / "bigvgan_generator.pt")

    # The code counts on 1,024 features; of one it makes as many by broadcasting.
    listener = Wav2Vec2BertConfig(
        hidden_size=1, num_hidden_layers=17, num_attention_heads=1, intermediate_size=4, feature_projection_input_dim=160
    )
    listener.save_pretrained(heard / "w2v-bert-2.0")
    save_file(Wav2Vec2BertModel(listener).state_dict(), heard / "w2v-bert-2.0" / "model.safetensors", {"format": "pt"})
    SeamlessM4TFeatureExtractor(feature_size=80, num_mel_bins=80, stride=2, padding_value=1).save_pretrained(heard / "w2v-bert-2.0")
