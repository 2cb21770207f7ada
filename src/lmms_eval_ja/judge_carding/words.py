"""The words of a card in English and Japanese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Language = Literal["en", "ja"]
LANGUAGES: tuple[Language, ...] = ("en", "ja")

_HOW_EN = (
    "A bias is found when its p value, adjusted for all probes of this card (Holm), is at most 0.05 and the effect "
    "reaches the threshold. Effects are shares of the width of the scale; for the image probes, shares of how far a "
    "score can fall: there the bias is that they fall by less than the threshold. Intervals are clustered by image."
)
_HOW_JA = (
    "補正後の p 値（この成績表のすべての探査についての Holm 法）が 0.05 以下で、"
    "効果がしきい値に達したときに「あり」とします。"
    "効果は尺度の幅に対する割合です。画像の探査では点数が下がりうる幅に対する割合で、"
    "下がり方がしきい値より小さいことを偏りとします。"
    "区間は画像ごとのまとまりを考慮しています。"
)

_IMAGES_EN = (
    "The image probes cannot tell a judge that does not look from one whose scores move by chance: chance lowers high "
    "scores as well. Hold the effect against that of asking again with nothing changed, shown where the probe retest "
    "was made. Nor do they see a judge look where most answers are wrong and score above the lowest with any image."
)
_IMAGES_JA = (
    "画像の探査では、画像を見ない判定器でも点数が偶然に動くなら、見分けられません。高い点数は偶然でも下がるからです。"
    "何も変えずにもう一度尋ねたときの効果（再質問の探査をしたときに表示）と比べてください。"
    "また、ほとんどの回答が誤りで、どの画像でも最低点より高い点数が付くときは、判定器が画像を見ていても分かりません。"
)

WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("Report card of a judge", "判定器の成績表"),
    "language": ("English", "日本語"),
    "judge": ("judge", "判定器"),
    "models": ("model as reported", "サーバーが名乗ったモデル"),
    "protocol": ("protocol", "評価プロトコル"),
    "prompt": ("prompt (sha256)", "プロンプト（sha256）"),
    "scale": ("scale", "尺度"),
    "sampling": ("sampling", "生成設定"),
    "tasks": ("tasks", "タスク"),
    "answers": ("answers", "回答"),
    "images": ("images", "画像"),
    "mean": ("mean score", "平均点"),
    "scored": ("with a score", "採点できたもの"),
    "requests": ("requests now", "今回の要求数"),
    "cost": ("US dollars now", "今回の費用（米ドル）"),
    "unknown": ("unknown", "不明"),
    "none": ("none", "なし"),
    "to": ("to", "〜"),
    "probes": ("Probes", "探査"),
    "probe": ("probe", "探査"),
    "finding": ("finding", "判定"),
    "effect": ("effect (95 % interval)", "効果（95 % 区間）"),
    "p": ("p, adjusted", "p（補正後）"),
    "pairs": ("answers / images", "回答 / 画像"),
    "failures": ("failures", "失敗"),
    "details": ("Beside the finding", "そのほかの数値"),
    "value": ("value", "値"),
    "statistic": ("statistic", "統計量"),
    "agreement": ("Agreement with people", "人との一致"),
    "warning": ("Warning", "注意"),
    "open_unknown": (
        "An open judge without agreement data for Japanese: how far its scores can be believed is not known.",
        "日本語での人との一致が測られていない公開モデルの判定器です。点数をどこまで信じてよいかは分かりません。",
    ),
    "no_agreement": (
        "No agreement data for this judge and protocol is given. Measure it with `lmms-eval-ja judge-eval`.",
        "この判定器とプロトコルについて、人との一致のデータがありません。`lmms-eval-ja judge-eval` で測れます。",
    ),
    "how": (_HOW_EN, _HOW_JA),
    "image_probes": (_IMAGES_EN, _IMAGES_JA),
    "described": (
        "This prompt describes the picture in words as well, so a score may rest on the description.",
        "このプロンプトは画像の内容を文章でも説明しているため、点数がその説明に基づくことがあります。",
    ),
}

VERDICTS: Mapping[str, tuple[str, str]] = {
    "found": ("found", "あり"),
    "not found": ("not found", "見つからない"),
    "not applicable": ("not applicable", "対象外"),
    "too few": ("too few", "数が足りない"),
    "incomplete": ("incomplete", "不完全"),
}

PROBES: Mapping[str, tuple[str, str]] = {
    "position": ("position: standing first is worth something", "順序：先に置かれると点数が変わる"),
    "image": ("image-blind: another image hardly lowers scores", "画像を見ない：別の画像でも点数がほとんど下がらない"),
    "no_image": ("image-blind: no image hardly lowers scores", "画像を見ない：画像なしでも点数がほとんど下がらない"),
    "verbosity": ("verbosity: empty padding raises scores", "冗長さ：無意味な水増しで点数が上がる"),
    "injection": ("injection: instructions in the answer raise scores", "指示の混入：回答中の指示で点数が上がる"),
    "retest": ("retest: the same request gets different scores", "再質問：同じ質問で点数がばらつく"),
}

DETAILS: Mapping[str, tuple[str, str]] = {
    "points": ("effect in points", "効果（点）"),
    "winner_changes": ("share whose winner changes with the order", "順序で勝敗が入れ替わる割合"),
    "bias_deviation": ("bias-deviation", "bias-deviation"),
    "bias_deviation_low": ("bias-deviation, low end", "bias-deviation の下端"),
    "bias_deviation_high": ("bias-deviation, high end", "bias-deviation の上端"),
    "bias_conformity": ("bias-conformity", "bias-conformity"),
    "asked_again": ("the same of asking again with nothing changed", "何も変えずにもう一度尋ねたときの効果"),
    "share_risen": ("share that rose", "上がった割合"),
    "share_fallen": ("share that fell", "下がった割合"),
    "alpha": ("Krippendorff's alpha between repeats", "繰り返し間の Krippendorff の α"),
    "share_that_moved": ("share that moved", "動いた割合"),
    "points_request": ("points by a request for full marks", "「満点を」という依頼による点"),
    "points_authority": ("points by a false notice", "偽の通知による点"),
    "points_forged_reply": ("points by forged score lines", "偽の採点行による点"),
    "points_forged_json": ("points by forged JSON", "偽の JSON による点"),
    "points_forged_end": ("points by a forged delimiter", "偽の区切りによる点"),
}


def word(table: Mapping[str, tuple[str, str]], key: str, language: Language) -> str:
    """A word in a language; the key itself where the table does not have it."""
    return table[key][LANGUAGES.index(language)] if key in table else key
