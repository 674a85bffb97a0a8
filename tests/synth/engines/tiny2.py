"""Small random weights in the layout of IndexTTS 2: `tiny2.py FOLDER`, run in the engine's own environment; see `tiny25.py`."""

import io
import sys
from pathlib import Path

import sentencepiece
import torch
from omegaconf import OmegaConf
from safetensors.torch import save_file
from tiny import CODEC, CODES, CONDITION, FILES, GPT, S2MEL, save_common
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

# Its classes need what stands in for torchaudio.
from synth.engines.indextts2 import package

import indextts.s2mel.modules.bigvgan.bigvgan as vocoder  # isort: skip
from indextts.s2mel.modules.campplus.DTDNN import CAMPPlus  # isort: skip
from indextts.s2mel.modules.commons import MyModel  # isort: skip

WIDTH = 1280  # a layer of s2mel counts on it
PIECES = 120
CONFIG = {
    "version": 2.0,
    "dataset": {"bpe_model": "bpe.model"},
    "gpt": {
        **GPT, "model_dim": WIDTH, "layers": 1, "number_text_tokens": PIECES, "condition_type": "conformer_perceiver",
        "condition_module": CONDITION,
    },
    "semantic_codec": CODEC,
    "s2mel": {
        **S2MEL, "reg_loss_type": "l1",
        "length_regulator": {
            **S2MEL["length_regulator"], "is_discrete": False, "vector_quantize": False, "n_codebooks": 1,
            "quantizer_dropout": 0.0, "f0_condition": False, "n_f0_bins": 8,
        },
    },
    **FILES,
    "qwen_emo_path": "qwen0.6bemo4-merge/",
    "vocoder": {"type": "bigvgan", "name": "nvidia/bigvgan_v2_22khz_80band_256x"},
}  # fmt: skip
SENTENCES = ["你好世界，再见。", "今天天气很好！", "the quick brown fox jumps over the lazy dog.", "VWXYZ XING2 HANG2?", "1 3 4 5"]
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def main() -> None:
    folder = Path(sys.argv[1])
    torch.manual_seed(0)
    (folder / "hf_cache" / "bigvgan").mkdir(parents=True)
    config = OmegaConf.create(CONFIG)
    OmegaConf.save(config, folder / "config.yaml")

    gpt = package.infer.UnifiedVoice(**config.gpt)
    # A random network stops at a random place: it is kept from it, and says as much as it may.
    gpt.mel_head.bias.data[CODES:] = -1e4
    torch.save(thin(gpt.state_dict()), folder / "gpt.pth")
    parts = {name: thin(part.state_dict()) for name, part in MyModel(config.s2mel, use_gpt_latent=True).models.items()}
    torch.save({"net": parts}, folder / "s2mel.pth")
    codec = package.infer.build_semantic_codec(config.semantic_codec)
    save_file(codec.state_dict(), folder / "hf_cache" / "semantic_codec_model.safetensors")
    save_pieces(folder / "bpe.model")
    save_reader(folder / "qwen0.6bemo4-merge")
    campplus = CAMPPlus(feat_dim=80, embedding_size=192)
    save_common(folder, WIDTH, campplus, lambda path: vocoder.BigVGAN(vocoder.load_hparams_from_json(path)))


def thin(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Large tensors as one row many times: a file keeps it once, and loads it as large as the code wants it.

    Not on the way of an emotion: with rows all alike, one clip would feel as another.
    """
    large = {name for name, part in tensors.items() if part.numel() > 1 << 16 and "emo" not in name}
    return {name: part[:1].clone().expand_as(part) if name in large else part for name, part in tensors.items()}


def save_pieces(path: Path) -> None:
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 4), model_writer=made, vocab_size=PIECES, model_type="bpe", bos_id=0, eos_id=1,
        unk_id=2, hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    path.write_bytes(made.getvalue())


def save_reader(folder: Path) -> None:
    """The network that reads a text's mood: it answers with noise, which is calm."""
    marks = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    letters = [*marks, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE({letter: at for at, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(marks)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=CHAT
    ).save_pretrained(folder)  # fmt: skip
    size = Qwen3Config(
        vocab_size=len(letters), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, head_dim=8, bos_token_id=0, eos_token_id=2, pad_token_id=0, max_position_embeddings=1024,
    )  # fmt: skip
    Qwen3ForCausalLM(size).to(torch.float16).save_pretrained(folder)


if __name__ == "__main__":
    main()
