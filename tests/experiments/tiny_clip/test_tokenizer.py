from pathlib import Path

from omegaconf import OmegaConf
from transformers import AutoTokenizer

from clip_har.config.compose import CONFIG_DIR
from clip_har.prompts.prompt_set import PromptSet
from clip_har.synthetic import ACTIONS, SCENES, caption
from clip_har.synthetic.tiny_clip import CHECKPOINT
from experiments.tiny_clip.captions import all_texts
from experiments.tiny_clip.rendered import CLASS_NAMES
from experiments.tiny_clip.tokenizer import BEGIN, CONTEXT, END, PAD, UNKNOWN, make_tokenizer, words


def test_a_saved_tokenizer_reads_as_it_was_made(tmp_path: Path) -> None:
    made = make_tokenizer(all_texts(["a photo of a person doing {}."]))
    made.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    texts = ["A photo of a person doing push-ups.", "a person walking on a street"]
    tokens = loaded(texts, padding=True, truncation=True)["input_ids"]
    assert tokens == made(texts, padding=True, truncation=True)["input_ids"]
    assert tokens[0][0] == BEGIN
    assert tokens[0][-1] == END
    assert tokens[1][-1] == PAD
    assert words(str(loaded.decode(tokens[0], skip_special_tokens=True))) == words(texts[0])


def test_a_long_text_still_ends_with_the_end_token() -> None:
    tokens = make_tokenizer(["a person"])("a person " * 40, truncation=True)["input_ids"]
    assert len(tokens) == CONTEXT
    assert tokens[-1] == END


def test_the_shipped_tokenizer_knows_every_word_of_prompts_and_captions() -> None:
    tokenizer = AutoTokenizer.from_pretrained(CHECKPOINT, local_files_only=True)
    texts = [caption(action.name, scene) for action in ACTIONS for scene in SCENES]
    for name in ("single", "ucf101_48", "bare"):
        options = OmegaConf.load(CONFIG_DIR / "prompts" / f"{name}.yaml")
        prompts = PromptSet(templates=list(options.templates)).texts(CLASS_NAMES)
        texts += [text for of_class in prompts for text in of_class]
    tokens = tokenizer(texts)["input_ids"]
    assert all(UNKNOWN not in row for row in tokens)
    assert max(len(row) for row in tokens) <= CONTEXT
    assert UNKNOWN in tokenizer("a zebra")["input_ids"]
