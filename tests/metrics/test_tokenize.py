import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from lmms_eval_ja.metrics import MecabTokenizer, _tokenize, dictionary_version, tokenize

SENTENCE = "赤い傘を持った女性が雨の中を歩いています。"
WORDS = ["赤い", "傘", "を", "持っ", "た", "女性", "が", "雨", "の", "中", "を", "歩い", "て", "い", "ます", "。"]


def test_tokens_are_short_units():
    assert tokenize(SENTENCE) == WORDS
    assert tokenize("") == []
    assert tokenize("  \n") == []


def test_the_normalisation_is_a_choice():
    assert tokenize("Ｎ①") == ["N", "1"]
    assert tokenize("①", "raw") == ["①"]
    assert tokenize("8時〜20時", "neologdn") == ["8", "時", "20", "時"]


def test_text_that_mecab_cannot_take_is_not_cut():
    assert tokenize("犬\x00猫") == ["犬", "猫"]
    assert tokenize("犬\ud83d猫") == ["犬", "?", "猫"]


def test_rouge_score_takes_the_tokenizer():
    from rouge_score.rouge_scorer import RougeScorer
    from rouge_score.tokenizers import Tokenizer

    tokenizer = MecabTokenizer()
    assert isinstance(tokenizer, Tokenizer)
    assert tokenizer.tokenize(SENTENCE) == WORDS
    assert RougeScorer(["rougeL"], tokenizer=tokenizer).score(SENTENCE, SENTENCE)["rougeL"].fmeasure == 1.0
    # rouge-score's own tokenizer deletes Japanese: two equal sentences score 0.
    assert RougeScorer(["rougeL"]).score(SENTENCE, SENTENCE)["rougeL"].fmeasure == 0.0


def test_a_wrong_normalisation_fails_when_the_tokenizer_is_made():
    with pytest.raises(ValueError, match="unknown normalisation 'x'"):
        MecabTokenizer(normalize="x")
    assert MecabTokenizer(normalize="raw").tokenize("①") == ["①"]


def test_threads_give_the_same_tokens():
    texts = [SENTENCE * (1 + number % 7) + str(number) for number in range(2000)]
    alone = [tokenize(text) for text in texts]
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(tokenize, texts)) == alone


def test_threads_that_start_together_share_one_tagger(monkeypatch):
    made = []
    shared = _tokenize._SharedTagger()
    make = shared._make
    monkeypatch.setattr(shared, "_make", lambda: made.append(1) or make())
    with ThreadPoolExecutor(16) as pool:
        assert all(words == WORDS for words in pool.map(shared.words, [SENTENCE] * 64))
    assert len(made) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_while_another_thread_holds_the_tagger():
    tokenize(SENTENCE)
    with _tokenize._SHARED._lock:
        child = os.fork()
        if child == 0:  # no assertion here: pytest must not go on in the child
            os._exit(0 if tokenize(SENTENCE) == WORDS else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert tokenize(SENTENCE) == WORDS


def test_another_mecab_configuration_is_ignored(tmp_path):
    (tmp_path / ".mecabrc").write_text("dicdir = /nowhere\n", encoding="utf-8")
    program = f"from lmms_eval_ja.metrics import tokenize; assert tokenize({SENTENCE!r}) == {WORDS!r}"
    environment = {**os.environ, "MECABRC": str(tmp_path / ".mecabrc"), "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


def test_the_dictionary_has_a_version():
    name, package, unidic = dictionary_version().split(" ", 2)
    assert name == "unidic-lite"
    assert package[0].isdigit()
    assert unidic == "(UniDic 2.1.2)"
