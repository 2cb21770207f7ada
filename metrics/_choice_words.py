"""The words around an option's label or text that tell whether it is chosen, rejected or only talked about.

Every pattern is matched against a few dozen characters beside a label, in NFKC and without markup, and none repeats a
repetition, so that an answer is read in a time proportional to its length.
"""

import re

OPEN = r"\s\"'「『(\[{【〈《<“‘"
SHUT = r"\s\"'」』)\]}】〉》>”’"
#: How many characters beside a label are looked at.
AROUND = 60

_ANSWER = r"答え?|こたえ|正解|正答|解答|回答|結論|アンサー|選択(?!肢[はにがを])|(?:^|\n)解"
_RIGHT_ONE = (  # "最も適切なもの", "正しい選択肢", "誤っている記述": of these, one is asked for
    r"(?:正し|適切|適当|該当|当ては|あては|ふさわし|妥当|誤|間違|最も)[^。\n、,は]{0,12}"
    r"(?:もの|の|選択肢|記述|組み?合わ?せ|文章?|図|画像|写真|記号|番号|アルファベット)"
)
_IS = r"(?:\s?(?:は|が|:|=|→|⇒|として(?:は)?|[】\])〉》」>]\s?:?|\"\s?:)|\s|(?<=[答え解]))"
_CALLED = rf"(?:(?:選択肢|記号|番号|アルファベット|最も適切な|option|choice|letter)[{OPEN}:の]*)?"
_PICK = (
    r"\b(?:answer|solution|conclusion|choice|option|pick|guess|letter)(?:\s(?:to|for|of)\s(?:this|the)\s\w{1,12})?"
    r"(?:\s(?:is|was|must\sbe|should\sbe|would\sbe|will\sbe|seems\sto\sbe)|\s?[:=]|\s?->|\"\s?:)"
    r"|\banswer\s|\b(?:choose|chose|pick|select|go\swith|i\sthink|i\sbelieve|i'd\ssay)(?:\sthat)?(?:\sit\sis|\sit's)?"
)
#: Left of a label: "答えは", "【回答】", "最も適切な選択肢は「", "Answer: (", "I choose option ", '{"answer": "'.
STATED_LEFT = re.compile(
    rf"(?:(?:{_ANSWER})[^。\n、,.A-Za-z0-9は]{{0,12}}{_IS}|{_RIGHT_ONE}{_IS}|(?:{_PICK}))[{OPEN},、:=→・\-]*{_CALLED}$",
    re.IGNORECASE,
)

_FULL_STOP = rf"[{SHUT}]*(?:$|[\n。.!?;…])"
_COPULA = (
    r"(?:では|じゃ)ない(?:か|でしょうか|かと)|の(?:方|ほう)(?:です|だ)|です|だ(?!け)|で(?:す|した|ある|あり(?!ま)|しょう|、|$)|でございま"
    r"|と(?:な[りる]|考え|思[いわう]|判断|推測|推定|いう|言[いえ]|し[てま]|答え|見)"
    r"|に(?:な[りる]|該当|当た|当て|決ま|し)|か(?:と|な|も)|なの[でだ]|[をに](?:選|回答|選択)"
    r"|でお願い|一択|と(?:回答|解答)|や(?:ろ|な|と思|ねん|で)|っす|っしょ"
)
#: Right of a label at the end of a sentence: "です。", "だと思います", "となります", the end.
SAID_RIGHT = re.compile(rf"{_FULL_STOP}|[{SHUT}]*(?:{_COPULA})", re.IGNORECASE)
#: Right of a label behind "答えは": also "が", "の方", ", because".
STATED_RIGHT = re.compile(rf"{_FULL_STOP}|[{SHUT}]*(?:{_COPULA}|[、,:がをので番(])|\s|\\", re.IGNORECASE)

_GOOD = (
    r"(?:正解|正しい|正答|適切|適当|最適|妥当|答え?|ふさわし|相応し|選[びぶん]|選択|該当|当ては|あては|一致|合致|回答|解答"
    r"|正確|最も|一番|高)"
)
#: Right of a label: "が正解", "を選びます", "の方が適切", " is correct". Of what "は正しい" there may be many.
GOOD_RIGHT = re.compile(
    rf"[{SHUT}]*(?:(?:番|番目)?(?:が|を|こそが?|の方が|のほうが|という選択肢が|の両方が|の可能性が)[^。\n、,]{{0,14}}?{_GOOD}"
    r"|[はも][^。\n、,]{0,6}?(?:正解|正答|最適|最も))"
    r"|\s(?:is|was|seems|appears|would\sbe)\s(?:to\sbe\s)?(?:the\s)?(?:most\s|best\s)?"
    r"(?:correct|right|answer|appropriate|best|accurate|true)",
    re.IGNORECASE,
)

_NOT = r"な[いくか]|ありませ|無[いくか]|違[いうっ]|言え[なま]|いえ[なま]"
_BAD = (
    r"(?:不正解|不適|誤|間違|違[いうっ]|正し(?:く|いとは)|(?:適切|適当|正解|妥当|正確|答え?|最適)(?:では|でな|とは|じゃ)"
    r"|(?:該当|一致)し(?:な|ませ)|[当あ]てはま(?:らな|りませ)|除外|[言い]え(?:な|ませ)|考えに?くい|考えられ(?:な|ませ)|合わな|合いませ"
    r"|[当あ]たら|[あり有]得?りえな|あり得な|含まれ(?:な|ませ)|可能性[はが]低|選べ(?:な|ませ)|選びませ|選ば(?:な|ず)|選ぶべきで(?:は)?(?:な|あり)|選択し(?:な|ませ))"
)
_THOUGHT = (
    r"だ?か?と(?:思|考え)[いっ]?(?:て(?:い)?)?(?:まし)?た[^。\n]{0,4}?(?:が|けど|けれど|ものの)|か?と思いきや|と見せかけ"
    r"|かもしれ(?:ない|ません)(?:が|けど|けれど)|(?:である|の)?可能性(?:も|[はが](?:低|な|あり?ま?せん|薄))|と(?:言|い)いたい"
    r"|と(?:考え|思|判断|答え)[^。\n]{0,8}?(?:誤|間違|難し|早計|違|でき(?:な|ませ))"
    r"|と(?:答え|回答し|言い|思い|考え)たくな|(?:である|の|な)(?:はず|わけ)[がは](?:な|あり)"
    r"|(?:である|だ)とは(?:考え(?:に?くい|づらい|られ(?:な|ませ))|思え(?:な|ませ))|でも[^。\n]{0,40}?でも(?:な[いくか]|ありませ)"
)
#: Right of a label: "ではなく", "以外", "は誤り", "だと思いましたが", " is wrong". "が最も不適切" is an answer.
BAD_RIGHT = re.compile(
    rf"[{SHUT}]*(?:(?:の方|のほう)?(?:で(?:は|も)?|じゃ|とは|には)(?!ない(?:か|でしょうか))(?:{_NOT})|以外|を(?:除|外)|より|[はがもを](?!最も|一番)[^。\n、,]{{0,14}}?{_BAD}|{_THOUGHT})"
    r"|\s?(?:is|was|are|does|can)?(?:\s?not|n't)\b|\s(?:is|was|are|seems)\s(?:incorrect|wrong|false)",
    re.IGNORECASE,
)
#: Left of a label: "not B", "except B".
BAD_LEFT = re.compile(
    r"(?:\b(?:not|never|neither|nor|except|than|instead\sof|unlike|eliminate|exclude)|n't)\s(?:be\s)?(?:option\s)?[\"'(]*$",
    re.IGNORECASE,
)

#: Left of a label that is named as a wrong one: "不正解は", "正解ではないのは", "The wrong answer is ".
#: Of "誤っているもの" and "間違っているのは", one may be asked for.
WRONG_LEFT = re.compile(
    r"(?:(?:不正解|誤答|誤り|(?:不正解|誤答|誤り)(?:の|な|である)(?:の|もの|選択肢|答え|回答|解答|記号|番号)"
    r"|(?:(?:誤って|間違って)い?る|誤った|間違った|(?<!最も)不適切な)(?:選択肢|答え|回答|解答)"
    r"|(?:正解|正答|答え|べき)(?:で(?:は)?|じゃ)ない(?:の|もの|選択肢|答え|回答|解答))\s?(?:は|が|:|=)"
    rf"|\b(?:wrong|incorrect)\s(?:answer|option|choice|one|letter)(?:\s(?:is|was|would\sbe)|\s?[:=]))[{OPEN},、]*(?:選択肢|option)?[{OPEN}]*$",
    re.IGNORECASE,
)
#: Right of a label that is only supposed, or named to find another one or an order: "だとすると", "の隣", "→Cの順".
SUPPOSED_RIGHT = re.compile(
    rf"[{SHUT}]*(?:(?:だ|である)?と(?:すると|すれば|したら|仮定)|であれば|であるなら|だったら|なら(?!び)"
    r"|の(?:すぐ)?(?:隣|となり|次|直前|直後|反対|逆(?!に)|(?:一|二|ひと|ふた|1|2)つ(?:前|後|上|下|手前|次|隣)|[前後上下左右横](?:の|です|だ|に|$|[。\n]))"
    r"|の順|\s?(?:→|⇒|->)[^。\n]{1,40}?の順)"
)
#: Left of a label that holds only if another one does not: "Cでないなら、".
SUPPOSED_LEFT = re.compile(
    r"(?:で(?:は)?|じゃ)な(?:い(?:の?なら|とすれば|とすると|とした[らと]|場合は?)|ければ)ば?[、,\s]*(?:(?:答え?|正解)は)?[、,\s]*$"
)
#: Right of a label: a verdict and nothing more, as in a list of them: "A: 不適切", "B(×)".
VERDICT_RIGHT = re.compile(
    r"[\"'」』)\]】》〉]*[ ]?(?:[×✕✗✘❌]|[(\[]\s?(?:[×✕✗✘❌xX][)\]]"
    r"|(?:不正解|不適切|誤り|間違い)(?![はをがもな])|incorrect\b|wrong\b)"
    r"|[:→\-–—.、=]{1,2}\s?(?:不?適切|不?適当|不?正解|正しい|正しくない|誤り|誤|正|間違い|間違っている|違う|[○◯〇✓✔✅]|(?:in)?correct|wrong|right|true|false)"
    r"(?:です|である|だ)?[)\]]?[ ]?(?:$|[\n。.、,]))",
    re.IGNORECASE,
)
#: What others say chooses nothing: "多くの人はAと答えます".
OTHERS_LEFT = re.compile(r"(?:(?:多く|大半|ほとんど|大多数|一部|他)の?[^。\n、]{0,6}|みんな|皆|人々)[はがも、]\s?$")
OTHERS_RIGHT = re.compile(rf"[{SHUT}]*だ?(?:と(?:答え|回答|思|考え|言)|を選)")
#: Left of a letter that is a name of its own: "出口はB", "血液型はB".
NAMED_LEFT = re.compile(rf"(?:出口|改札口?|血液型|成績|等級|ランク|クラス|サイズ|ビタミン)(?:は|が|も)、?[{OPEN}]*$")

#: Between labels that are named together: "AまたはB", "A、B", "A or B", "A / B", "A B".
TOGETHER = re.compile(
    rf"[{SHUT}]{{0,4}}(?:[、,]?\s?(?:または|又は|もしくは|若しくは|あるいは|および|及び|ならびに|並びに|ないし|かつ|とも|か|と|や|も|or|and|nor)[、,]?"
    rf"|[、,・/|&~〜+])\s?[{OPEN}]{{0,4}}(?:選択肢|option\s)?[{OPEN}]{{0,2}}|[ ]|[)\]」』]\s?[(\[「『]",
    re.IGNORECASE,
)

#: In the same sentence before a label: what comes now is the conclusion, or a correction.
FINAL_HERE = re.compile(
    r"よって|したがって|従って|ゆえに|故に|以上|結局|つまり|すなわち|だから|ので|ため|から、|やはり|やっぱり|いや|いえ、|改めて|正しくは"
    r"|[はじ]ゃ?なく|でなく|のうち|\b(?:therefore|thus|hence|so|actually|instead|rather|overall|but)\b|\bno,",
    re.IGNORECASE,
)
#: Somewhat before it.
FINAL_NEAR = re.compile(
    r"結論|最終|訂正|修正|失礼|間違え|見直|再考|考え直|まとめ|待って|いや、|\b(?:final|conclusion|wait|correction|sorry)",
    re.IGNORECASE,
)
SENTENCE_END = re.compile(r"[。\n!?]|\.\s")

#: The kana and Han before a letter that leave it a label: "選択肢B", "正解B"; and particles: "はB", "よってB".
LABEL_AFTER = re.compile(
    r"(?:選択肢|記号|番号|答え?|正解|正答|解答|回答|[択解]|アルファベット|オプション|アンサー|結論|[はがをにともやかのでへりくずしび]|て|から|ため|です|ます|ない"
    r"|以上|故|らく|ぶん|多分|結局|やはり|いや|いえ)\s?$"
)
WORD_LEFT = re.compile(r"[ぁ-ゖァ-ヺー一-鿿々0-9]\s?$")
#: Kana and Han behind a letter that make it a part of a word: "Bランク", "B型", "Bさん".
WORD_RIGHT = re.compile(r"[ァ-ヺー々㐀-䶿一-鿿]|さん|くん|ちゃん")
LABEL_BEFORE = re.compile(r"以外|番|一択|選択肢")
#: Words of an English sentence beside a single letter that leave it a label: "is B", "B because".
ENGLISH_LEFT = re.compile(
    r"\b(?:is|be|was|answer|option|choice|letter|choose|pick|select|with|and|or|so|thus|therefore|hence|but|not|than|it's|i'd|say|think|"
    r"actually|final|no|yes|wait|of|between|to|both|either|neither|nor|definitely|probably|maybe|perhaps|likely|clearly)\s$",
    re.IGNORECASE,
)
ENGLISH_RIGHT = re.compile(
    r"\s(?:is|was|are|and|or|because|since|as|but|so|not|seems|appears|would|best|for)\b", re.IGNORECASE
)

#: Right of a label at the beginning of a line: the end of the line, "B.", "B:", "B 大阪", but not "B は" or "B cells".
LINE_RIGHT = re.compile(
    rf"[{SHUT}]*(?:$|[\n。.、,()→\-]|:(?!\s?[×✕✗○◯xX]))|[」』)\]】〉》>]|\s(?![はがをにのもとでA-Za-z0-9=<>+×○])"
    rf"|\s(?=(?:because|since|as|for|but|rather|over|instead)\b)",
    re.IGNORECASE,
)
LINE_LEFT = re.compile(rf"(?:^|\n)[{OPEN}]*(?:選択肢|option|choice)?\s?$", re.IGNORECASE)
BRACKET_LEFT = re.compile(r"[「『(\[【〈《“]\s?$")
BRACKET_RIGHT = re.compile(r"\s?[」』)\]】〉》”]")
#: Right of a label that is the topic of its sentence: "A. 東京は首都です".
TOPIC_RIGHT = re.compile(rf"[{SHUT}]*は(?!$|[\n。])")
#: Right of an option's text, where it is the only one in a short answer: "大阪の写真", "ゆりが写っている".
SHOWN_RIGHT = re.compile(
    r"[」』)\"]*(?:の(?:写真|画像|風景|景色|街|町|様子|絵|イラスト|一種|よう|姿)|が(?:写|見え|描|あ[りる]|い[まる]|表示|映)|を(?:写|撮|示|表|描|し)"
    r"|に(?:見え|あ[りる])|らし|っぽ|みたい|、)"
)
#: Between an option's text and a label: "大阪(B)", "大阪: B".
AFTER_TEXT = re.compile(rf"[{SHUT}]{{0,2}}\s?(?:[(\[【「:]|の記号は)\s?[{OPEN}]{{0,2}}$")
#: Between a label and its option's text: "B. 大阪", "B(大阪)", "Bの大阪", "B → 大阪".
BEFORE_TEXT = re.compile(rf"[{SHUT}.:、,の\-–—=→|]{{0,4}}[{OPEN}]{{0,2}}")

#: The model says that it cannot or does not answer.
REFUSAL = re.compile(
    r"わか(?:りませ|らな)|分か(?:りませ|らな)|判断(?:でき|が?つき|は?できか|し?かね)|判別でき|特定(?:でき|する(?:こと|の)は(?:難|でき|不可))"
    r"|お?答え(?:でき|する(?:こと|の)は(?:難|でき)|られ(?:な|ませ)|かね|す?ることができ(?:な|ませ))|回答(?:でき|する(?:こと|の)は(?:難|でき)|を?控え|かね|を?差し控え|することができ)"
    r"|申し訳|すみませんが|不明です|^不明$|該当(?:する(?:もの|選択肢)[はが])?(?:なし|な[いし]|ありませ)|(?:選択肢|正解|答え)[はが](?:な[いし]|ありませ|存在しま?せ)"
    r"|どれも[^。\n]{0,10}(?:な[いく]|ませ)|いずれも[^。\n]{0,10}(?:な[いく]|ませ)|(?:画像|写真|図)[^。\n]{0,12}(?:見え|確認でき|読み取れ|ありませ|表示され(?:な|て(?:い)?ませ))"
    r"|情報が(?:不足|足り)|\b(?:(?:cannot|can't|can\snot)(?!\sbe)|unable\sto|not\sable\sto|don't\sknow|do\snot\sknow|not\ssure|i'm\ssorry|none\sof\sthe|as\san\sai)\b",
    re.IGNORECASE,
)
