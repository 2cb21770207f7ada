"""Rules that make variants: what each gives, and where it gives nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lmms_eval_ja.jp_tasks.rephrasing.endings import ending_of
from lmms_eval_ja.jp_tasks.rephrasing.rules import DIALECTS, RULES, variants_by_rules
from lmms_eval_ja.jp_tasks.rephrasing.sentences import sentences

STYLE = {
    "この花は何ですか。": "この花は何？",
    "この花の名前はなんですか？": "この花の名前は何？",
    "この建物は何色でしょうか？": "この建物は何色だろうか？",
    "店は何時に閉まりますか。": "店は何時に閉まる？",
    "犬は何を持っていますか。": "犬は何を持っている？",
    "締切に間に合いましたか。": "締切に間に合った？",
    "どこへ行きましたか。": "どこへ行った？",
    "何を書きましたか。": "何を書いた？",
    "何を飲みましたか。": "何を飲んだ？",
    "何を話しましたか。": "何を話した？",
    "誰が来ましたか。": "誰が来た？",
    "何を食べましたか。": "何を食べた？",
    "何をしましたか。": "何をした？",
    "いつ建てられましたか。": "いつ建てられた？",
    "なぜ笑ったのですか。": "なぜ笑ったの？",
    "空は青いですか。": "空は青い？",
    "これを説明してください。": "これを説明して。",
    "駅に着きました。次は何分ですか。": "駅に着いた。次は何分？",
    "これは地図です。駅はどこですか。": "これは地図だ。駅はどこ？",
    "「はい。」と答えたのは誰ですか。": "「はい。」と答えたのは誰？",
    "この図を説明せよ。": "この図を説明してください。",
    "理由を述べよ。": "理由を述べてください。",
    "この図を説明しなさい。": "この図を説明してください。",
    "名前を教えて。": "名前を教えてください。",
    "これは何？": "これは何ですか。",
    "この建物は何色か。": "この建物は何色ですか。",
    "何を持っているか。": "何を持っていますか。",
    "写真を見せよ。": "写真を見せてください。",
    "答えを知らせよ。": "答えを知らせてください。",
    "図を完成させよ。": "図を完成させてください。",
    "図を見なさい。": "図を見てください。",
    "この人はどう感じますか。": "この人はどう感じる？",
    "何が生じましたか。": "何が生じた？",
    "何を問いますか。": "何を問う？",
}
SOFTEN = {
    "この花は何ですか。": "この花は何でしょうか。",
    "この花は何でしょうか？": "この花は何ですか？",
    "犬は何を持っていますか。": "犬は何を持っているでしょうか。",
    "犬は何を持っているでしょうか。": "犬は何を持っていますか。",
    "進んでもよいでしょうか。": "進んでもよいですか。",
    "いつ建てられましたか。": "いつ建てられたでしょうか。",
}
REQUEST = {
    "この花は何ですか。": "この花は何なのか教えてください。",
    "休館日は何曜日ですか。": "休館日は何曜日なのか教えてください。",
    "りんごはいくつありますか。": "りんごはいくつあるか教えてください。",
    "店は開いていますか。": "店は開いているかどうか教えてください。",
    "どこかに駅がありますか。": "どこかに駅があるかどうか教えてください。",
    "左にいるのは人間でしょうか？": "左にいるのは人間かどうか教えてください。",
    "なぜ笑ったのですか。": "なぜ笑ったのか教えてください。",
    "これを説明してください。": "これを説明していただけますか。",
    "何か説明してもらえますか？": "何か説明してください。",
    "面白い点は何か説明してもらえますか？": "面白い点は何か説明してください。",
    "写真の要素について詳しく説明していただけますか？": "写真の要素について詳しく説明してください。",
    "この建物はいつ頃建てられましたか。": "この建物はいつ頃建てられたか教えてください。",
    "いつごろの写真ですか。": "いつごろの写真なのか教えてください。",
    "いかに描かれていますか。": "いかに描かれているか教えてください。",
    "なにゆえ怒っていますか。": "なにゆえ怒っているか教えてください。",
    "ナニが写っていますか。": "ナニが写っているか教えてください。",
    "猫などの動物がいますか。": "猫などの動物がいるかどうか教えてください。",
}
ORDER = {
    "この写真について詳しく説明してください。": "詳しくこの写真について説明してください。",
    "机の上には何本の鉛筆がありますか。": "何本の鉛筆が机の上にありますか。",
    "2コマ目で、犬は何を持っていますか。": "犬は2コマ目で何を持っていますか。",
    "この絵の中に猫は何匹いますか？": "猫はこの絵の中に何匹いますか？",
    "この花の色は何色ですか。": "何色ですか、この花の色は。",
}
KANA = {
    "この花は何ですか。": "この花はなんですか。",
    "この花はなんですか。": "この花は何ですか。",
    "最も高い山はどれですか。": "もっとも高い山はどれですか。",
    "「名前」の欄に名前はありますか。": "「名前」の欄になまえはありますか。",
    "作者は誰ですか。": "作者はだれですか。",
    "何分か分かりますか。": "何分かわかりますか。",
    "一番線の電車で一番速いのはどれですか。": "一番線の電車でいちばん速いのはどれですか。",
    "どの部分から何が分かりますか。": "どの部分から何がわかりますか。",
    "一番大きなものが一番上にありますか。": "いちばん大きなものがいちばん上にありますか。",
    "これは何か教えてください。": "これは何かおしえてください。",
    "もっとも高い山はどれですか。その山がもっとも高いですか。": "もっとも高い山はどれですか。その山が最も高いですか。",
    "写真にうつっているのは犬です。": "写真に写っているのは犬です。",
}
KANSAI = {
    "この花は何ですか。": "この花は何なん？",
    "犬は何を持っていますか。": "犬は何を持ってるん？",
    "進んでもよいでしょうか。": "進んでもええやろか。",
    "これを説明してください。": "これを説明してくれへん？",
    "なぜ笑ったのですか。": "なぜ笑ったん？",
}
NAMES = {"style": STYLE, "soften": SOFTEN, "request": REQUEST, "order": ORDER, "kana": KANA}


@pytest.mark.parametrize(
    ("rule", "question", "variant"), [(name, q, v) for name, cases in NAMES.items() for q, v in cases.items()]
)
def test_a_rule_gives(rule: str, question: str, variant: str) -> None:
    assert variants_by_rules(question, [rule]) == {rule: variant}


@pytest.mark.parametrize(("question", "variant"), KANSAI.items())
def test_a_dialect_is_spoken_when_it_is_asked_for(question: str, variant: str) -> None:
    assert DIALECTS.keys() & variants_by_rules(question).keys() == set()
    assert variants_by_rules(question, [], "kansai") == {"kansai": variant}


@pytest.mark.parametrize(
    ("rule", "question"),
    [
        ("style", "買い物をしたいのですが、店は開いていますか。"),  # one half would stay polite
        ("style", "何をご覧になりますか、また何を召し上がりますか。"),  # respectful speech
        ("style", "赤ですか、それとも青ですか。"),
        ("style", "綺麗なんですか。"),
        ("style", "行きませんか。"),
        ("style", "次から選んでください。\nA. 赤\nB. 青"),
        ("style", "図を見ないでください。"),
        ("style", "写っているのは犬か猫か。"),  # one of the two would become the whole question
        ("style", "この標識は、進入禁止か駐車禁止か。"),
        ("style", "立っているか座っているか。"),
        ("style", "教えてよ。"),
        ("style", "もっと頑張れよ。"),
        ("style", "次から選べよ。"),
        ("style", "何を問いましたか。"),
        ("style", "昨日、雨は降りましたか。"),  # 降りる, says the dictionary
        ("style", "犬なら？"),
        ("style", "正しいのは赤ですか。(ア)はいです (イ)いいえです"),
        ("soften", "あなたは何を展示しますか。"),
        ("soften", "このデザインをどう思いますか。"),  # what the one who is asked thinks, knows or does
        ("soften", "この画像で何が起こっていると思いますか。"),
        ("soften", "誰が描いたか知っていますか。"),
        ("soften", "どのように説明しますか。"),
        ("soften", "どれを選びますか。"),
        ("soften", "旅行をどう感じましたか。"),
        ("soften", "これを説明してください。"),
        ("request", "赤ですか、青ですか。"),
        ("request", "この花は赤い。"),
        ("request", "この店は配達してくれますか。"),  # a question of fact, and no favour
        ("request", "このホテルでは荷物を預かってもらえますか。"),
        ("request", "この券で中に入れてもらえますか。"),
        ("request", "店員に説明してもらえますか。"),
        ("request", "係員が道を教えてくれますか。"),
        ("request", "窓口で説明してもらえますか。"),
        ("request", "いつ使い方を教えてもらえますか。"),
        ("request", "どうすれば使い方を教えてもらえますか。"),
        ("request", "電話すると使い方を教えてもらえますか。"),
        ("request", "これは赤か青ですか。"),
        ("request", "いかほど支払いますか。"),
        ("order", "空は青いですか。"),
        ("order", "赤い服を着た人は何を持っていますか。"),  # 着た is no noun: where the phrase begins is not sure
        ("order", "医者で、彼は何を持っていますか。"),  # で may be であり
        ("order", "「写真の中に、猫は何匹いますか。」は何ですか。"),
        ("kana", "「何ですか」と書いてあります。"),
        ("kana", "8分かかる電車はどれですか。"),
        ("kana", "会場は一番町ですか。"),
        ("kana", "どれだけですか。"),
        ("kana", "どの部分から始まりますか。"),
        ("kana", "この成分から作れますか。"),
        ("kana", "自分から話していますか。"),
        ("kana", "十分から引きますか。"),
        ("kana", "この花は何？"),
        ("kana", "説明がもっともらしいですか。"),
        ("kana", "一番ホームはどこですか。"),
        ("kana", "一番出口はどこですか。"),
        ("kana", "一番のりばはどこですか。"),
        ("kana", "新居にうつってから3年ですか。"),
        ("kana", "新居にうつっていますか。"),
        ("kana", "正しいのはどれですか。(1)全て (2)一番大きい (3)名前"),
        ("kana", "どれですか。 A: 全て B: 名前"),
        ("kana", "次から選んでください。\nA. 一番\nB. 最も左"),
    ],
)
def test_a_rule_that_does_not_surely_apply_gives_nothing(rule: str, question: str) -> None:
    assert variants_by_rules(question, [rule]) == {}


def test_no_variant_equals_the_question_or_another() -> None:
    found = variants_by_rules("この花は何ですか。")
    assert list(found) == list(RULES)
    assert len({*found.values(), "この花は何ですか。"}) == len(found) + 1


def test_unknown_names_are_refused_with_the_valid_ones() -> None:
    with pytest.raises(ValueError, match="unknown rule 'polite'; expected some of style, soften, request, order, kana"):
        variants_by_rules("何ですか。", ["polite"])
    with pytest.raises(ValueError, match="unknown dialect 'edo'; expected one of kansai"):
        variants_by_rules("何ですか。", dialect="edo")


def test_a_quotation_is_no_sentence_of_its_own() -> None:
    assert sentences("「はい。」と言いました。なぜですか。") == ["「はい。」と言いました。", "なぜですか。"]
    assert sentences("一行目。\n二行目。") is None
    assert sentences("") is None


def test_an_ending_says_what_it_is() -> None:
    found = ending_of("店は何時に閉まりますか？")
    assert found is not None
    assert (found.kind, found.plain, found.question, found.mark, found.asks) == (
        "verb",
        "店は何時に閉まる",
        True,
        "？",
        True,
    )
    assert ending_of("店 は 何時 に 閉まりますか。") is None  # white space that would be lost
    assert ending_of("か。") is None


@pytest.mark.parametrize("page", ["robustness.md", "robustness.ja.md"])
def test_the_examples_of_the_documentation(page: str) -> None:
    text = (Path(__file__).parents[3] / "docs" / page).read_text(encoding="utf-8")
    rows = re.findall(r"^\| *(?:`(\w+)`[^|]*)? *\| ([^|]+。) \| ([^|]+[。？]) \|$", text, re.MULTILINE)
    assert len(rows) == 13
    name = ""
    for stated, question, variant in rows:
        name = stated or name
        dialect = name if name in DIALECTS else None
        assert variants_by_rules(question, [] if dialect else [name], dialect) == {name: variant}
