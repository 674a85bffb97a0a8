"""Small random weights in the layout of IndexTTS 2.5: `tiny25.py FOLDER`, run in the engine's own environment.

Each network is made from the package's own classes by a small configuration, seeded, and saved as upstream saves it: the real code
loads and runs them, and says nothing that anybody would understand.
"""

import base64
import sys
from pathlib import Path

import torch
from indextts25.codec.models import EnhancedCodec
from indextts25.gpt.model_v2 import UnifiedVoice
from indextts25.s2mel.modules.bigvgan.bigvgan import BigVGAN, load_hparams_from_json
from indextts25.s2mel.modules.campplus.DTDNN import CAMPPlus
from indextts25.s2mel.modules.commons import MyModel
from omegaconf import OmegaConf
from tiny import CODEC, CODES, FILES, GPT, S2MEL, save_common

WIDTH = 32
CONFIG = {
    "version": 2.5,
    "gpt": {**GPT, "model_dim": WIDTH, "layers": 2, "number_text_tokens": 2048},
    "semantic_codec": CODEC,
    "s2mel": S2MEL,
    **FILES,
}


def main() -> None:
    folder = Path(sys.argv[1])
    torch.manual_seed(0)
    (folder / "hf_cache" / "bigvgan").mkdir(parents=True)
    config = OmegaConf.create(CONFIG)
    OmegaConf.save(config, folder / "config.yaml")

    gpt = UnifiedVoice(**config.gpt)
    # A random network stops at a random place: it is kept from it, and says as much as it may.
    gpt.mel_head.bias.data[CODES:] = -1e4
    torch.save(gpt.state_dict(), folder / "gpt.pth")
    torch.save({"model": EnhancedCodec(**config.semantic_codec).state_dict()}, folder / "codec.pth")
    parts = {name: part.state_dict() for name, part in MyModel(config.s2mel).models.items()}
    torch.save({"net": parts}, folder / "s2mel.pth")
    ranks = "".join(f"{base64.b64encode(bytes([byte])).decode()} {byte}\n" for byte in range(256))
    (folder / "multilingual_zh_ja_yue_char_del.tiktoken").write_text(ranks)
    campplus = CAMPPlus(feat_dim=80, embedding_size=192)
    save_common(folder, WIDTH, campplus, lambda path: BigVGAN(load_hparams_from_json(path)))


if __name__ == "__main__":
    main()
