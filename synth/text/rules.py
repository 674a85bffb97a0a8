"""What a Mandarin reader says where wetext would say something else: rewritten, in this order, before it reads the numbers.

Each rule has its reason and an example beside it. Text comes in NFKC, so full-width forms, ㎡ and ℃ are plain already.
"""

import re
import unicodedata
from collections.abc import Callable

from synth.text.signs import COMPARISONS, COUNTED, COUNTED_BY_DIGITS, CURRENCIES, GREEK, IN_ADDRESSES, PER, SUM, TOP_DOMAINS, UNITS

__all__ = ["digit_by_digit", "rewritten", "unfolded"]

_Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]

_HOTLINES = {
    "110": "一百一十",
    "112": "一百一十二",
    "114": "一百一十四",
    "119": "一百一十九",
    "120": "一百二十",
    "122": "一百二十二",
}
_TELEPHONE_DIGITS = "零幺二三四五六七八九"
# From its first digit on only: else a number of thousands of digits is tried from each of them.
_NUMBER = r"(?<!\d)\d+(?:\.\d+)?"


def unfolded(text: str) -> str:
    """Keep apart what NFKC would join into other numbers: ①② is no 12, and 1½ no 11⁄2."""
    return "".join(_unfolded(character, text[at - 1 : at]) for at, character in enumerate(text))


def _unfolded(character: str, before: str) -> str:
    plain = unicodedata.normalize("NFKC", character)
    if "⁄" in plain:
        return ("又" if before.isdigit() else "") + plain.replace("⁄", "/")
    if character in "²³" and before in tuple("abcnrxyzABCNRXYZ"):
        return "的平方" if character == "²" else "的立方"
    if unicodedata.category(character) == "No" and plain.isdigit() and character not in "²³":
        return f"{plain}，"
    if "ROMAN NUMERAL" in unicodedata.name(character, ""):
        return str(int(unicodedata.numeric(character)))
    return character


def rewritten(text: str) -> str:
    """Text in NFKC in which wetext finds nothing to misread."""
    for pattern, writing in _RULES:
        text = pattern.sub(writing, text)
    return text


def digit_by_digit(digits: str) -> str:
    """As numbers are read over the telephone: 幺 for 1, so that nobody hears 七. What is no digit stays."""
    return "".join(_TELEPHONE_DIGITS[int(sign)] if sign in "0123456789" else sign for sign in digits)


def _half_of_day(letter: str) -> str:
    return "上午" if letter.lower() == "a" else "下午"


def _address(found: re.Match[str]) -> str:
    body = re.sub(r"^https?://", "", found.group()).rstrip("/.")
    return "".join(IN_ADDRESSES.get(sign, sign) for sign in body)


def _telephone(found: re.Match[str]) -> str:
    return "，".join(map(digit_by_digit, re.findall(r"\d+", found.group())))


def _quantity(found: re.Match[str]) -> str:
    """Five digits in words: 95588 → 九万五千五百八十八."""
    words = "".join(
        ("零" if sign == "0" else "零一二三四五六七八九"[int(sign)] + power)
        for sign, power in zip(found.group().replace(",", ""), "万千百十 ", strict=True)
    )
    return re.sub("零+", "零", words.replace(" ", "")).rstrip("零").replace("二万", "两万")


def _roman(found: re.Match[str]) -> str:
    values = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
    worth = [values[sign] for sign in found.group()]
    return str(sum(-one if one < following else one for one, following in zip(worth, [*worth[1:], 0], strict=True)))


def _plain(digits: str) -> str:
    """Digit by digit, 一 as 一."""
    return digit_by_digit(digits).replace("幺", "一")


def _dotted(found: re.Match[str]) -> str:
    """1.0.3 → 1点0点3, 192.168.1.1 → 一九二点…: long parts by digits."""
    parts = found.group().split(".")
    return "点".join(_plain(part) if len(part) > 2 else part for part in parts)


def _behind_letters(found: re.Match[str]) -> str:
    """CA1234 and G102 by digits; A100 and RTX 4000 are round enough to be a number."""
    return found[1] + (found[2] if found[2].endswith("00") else digit_by_digit(found[2]))


_RULES: tuple[_Rule, ...] = (
    # The many minus signs and dashes between numbers are one.
    (re.compile(r"[−–](?=\s?\d)"), "-"),
    (re.compile(r"(?<=\d)\s?[—~]+\s?(?=\d)"), "~"),
    # https://example.com/a, a.b@example.com, example.com: sign by sign
    (re.compile(r"(?:https?://|www\.)[\w.~:/?#@&=%+-]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII), _address),
    (re.compile(rf"(?<![\w.])(?:[A-Za-z][\w-]*\.)+(?:{TOP_DOMAINS})(?![\w.])", re.ASCII), _address),
    (re.compile(r"(?ai)\bC\+\+"), "C加加"),
    (re.compile(r"(?ai)\b([CF])#"), r"\1井号"),
    (re.compile(r"(?ai)\bwi-fi\b"), "WiFi"),
    (re.compile(r"(?ai)\be-mail\b"), "email"),
    (re.compile(r"(?ai)\bNo\.\s?(?=\d)"), "第"),
    # mirrors.yaml, Node.js, .NET: the dot is said
    (re.compile(r"(?<=[A-Za-z0-9])\.(?=[A-Za-z])|(?<![\w.])\.(?=[A-Z]{2})", re.ASCII), "点"),
    # 第VII章, II型
    (
        re.compile(r"(?<=第)([IVXLC]+)(?=[章节卷篇部册条届期回])|(?<![A-Za-z])(I{2,3}|IV|VI{1,3}|IX|XI{0,3})(?=[型期级类世])"),
        _roman,
    ),
    # ≤ and its like; ±3%
    (re.compile("[≤≥≠≈≡∞∵∴]"), lambda found: COMPARISONS[found.group()]),
    (re.compile(r"±(?=\d)"), "正负"),
    # 9:30am, 5 pm, AM 9:00
    (
        re.compile(r"(?i)(?<![\d:])(\d{1,2}(?::\d{2})?)\s?([ap])\.?m(?![A-Za-z])\.?"),
        lambda found: _half_of_day(found[2]) + (found[1] if ":" in found[1] else f"{found[1]}点"),
    ),
    (re.compile(r"(?ai)\b([ap])m\s?(?=\d{1,2}:\d{2})"), lambda found: _half_of_day(found[1])),
    # ¥1,299.00, US$5, RMB 500, ¥100-200, 5元/斤
    (re.compile(r"(?<=[¥$€£])(\s?\d[\d,]*)\.00(?!\d)"), r"\1"),
    (
        re.compile(rf"(?<![A-Za-z])({'|'.join(map(re.escape, CURRENCIES))})\s?(\d[\d,]*(?:\.\d+)?[万亿]?)"),
        lambda found: found[2] + CURRENCIES[found[1]],
    ),
    (re.compile(rf"¥\s?({_NUMBER})\s?-\s?({_NUMBER})(?![\d元])"), r"\1到\2元"),
    (re.compile(rf"(?<=[元块角分万亿]|[\u4e00-\u9fff])/(?={PER})"), "每"),
    # 血压140/90
    (re.compile(r"(血压\D{0,4}\d{2,3})/(?=\d{2,3})"), r"\1，"),
    # -0.5%, 100%, 5‰, 3/4, 9.8m/s²
    (re.compile(r"(?<![0-9A-Za-z%℃°)-])-(\d+(?:\.\d+)?%)(?!\s?-)"), r"负\1"),
    (re.compile(r"(?<![\d.])100%"), "百分之百"),
    (re.compile(rf"({_NUMBER})‰"), r"千分之\1"),
    (
        re.compile(r"(?<![\d/.])(\d{1,4})/(\d{1,4})(?![\d/])"),
        lambda found: f"{_plain(found[2]) if found[2] == '2' else found[2]}分之{found[1]}",
    ),
    (re.compile(rf"({_NUMBER})\s?m/s2(?!\d)"), r"\1米每二次方秒"),
    (re.compile(r"(?<=第)2(?![\d.])"), "二"),
    (re.compile(r"(?<=\d)\s?÷\s?(?=\d)"), "除以"),
    # 粤B88888, 沪C·D1234
    (
        re.compile(
            r"([京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-Z])[· ]?([0-9A-Z]{5,6})(?![0-9A-Za-z])"
        ),
        lambda found: found[1] + digit_by_digit(found[2]),
    ),
    # 取件码803-215
    (re.compile(r"(?<=[码号])([为是:： ]{0,2})(\d{2,4}(?:-\d{2,4})+)(?![\d-])"), lambda found: found[1] + _telephone(found)),
    # zhang_san; 工资8k
    (re.compile(r"(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])"), "下划线"),
    (re.compile(rf"((?:薪|工资|房租|预算|收入|粉丝)[^，。]{{0,4}}?{_NUMBER})\s?[kK](?![A-Za-z0-9])"), r"\1千"),
    # 110 is a hotline where somebody calls, and a number elsewhere: 以112比108
    (
        re.compile(
            r"(?<![\d.A-Za-z打拨报叫警救呼线话])(110|112|114|119|120|122)(?=[\u4e00-\u9fff])(?!报警|急救|火警|热线|电话|台|出警|救护|接警|指挥|调度)"
        ),
        lambda found: _HOTLINES[found[1]],
    ),
    # 827 361 455
    (re.compile(r"(?<![\d.,])\d{3,4}(?: \d{3,4}){1,3}(?! ?[\d.,])"), _telephone),
    # 1米78, 1m75
    (re.compile(r"(?<=[12])\s?[米m]([0-9]{2})(?!\d|\.)"), lambda found: "米" + _plain(found[1])),
    # 1920×1080, 1080P, 90后, 618大促
    (
        re.compile(
            r"(?<![\d.])(640|800|1024|12[08]0|13[26]6|1440|1600|1920|2048|2[35]60|2400|2880|3440|3840|4096|7680)\s?[x×*]\s?(\d{3,4})(?![\d.])"
        ),
        lambda found: f"{_plain(found[1])}乘{_plain(found[2])}",
    ),
    (re.compile(r"(?<=\d)\s?[x×]\s?(?=\d)"), "乘"),
    (re.compile(r"(?<![\d.])(360|480|720|1080|1440|2160)(?=[pP](?![A-Za-z]))"), lambda found: _plain(found[1])),
    (re.compile(r"(?<!\d)([5-9][05]|0[05]|10)(?=后(?![面天年来续期悔退者]))"), lambda found: _plain(found[1])),
    (
        re.compile(
            r"(?<!\d)(618|315|911|985|211|863|996|007|404)(?=大促|购物|晚会|事件|高校|大学|院校|工程|计划|工作制|错误|、(?:211|985)|活动)"
        ),
        lambda found: _plain(found[1]),
    ),
    (re.compile(r"(?<=\d)w(?![A-Za-z0-9])"), "万"),
    # 第3-5章
    (re.compile(r"(第\d+)\s?-\s?(?=\d+[章节页条课集期回卷行])"), r"\1到"),
    # 95588 and 10086 are hotlines; 95588台 and 共95588 are not
    (re.compile(rf"(?<![\d.A-Za-z¥$€£])[1-9]\d{{4}}(?=\s?(?:{COUNTED}))|(?<={SUM})[1-9]\d{{4}}(?!\d|\.\d)"), _quantity),
    # 010-12345678, 0755 1234567, 400-800-8820, +86 139…: by digits, a breath between the groups
    (re.compile(r"\+86[- ]?(?=1\d{10})"), "加八六，"),
    (
        re.compile(
            r"(?<!\d)(?:\(0\d{2,3}\) ?\d{7,8}|0\d{2,3}[- ]\d{3,4}[- ]?\d{4}|[48]00-?\d{3}-?\d{4}|1[3-9]\d[- ]?\d{4}[- ]?\d{4})(?!\d)"  # noqa: E501
        ),
        _telephone,
    ),
    # v2.5, 1.0.3, 192.168.1.1
    (re.compile(r"(?<![A-Za-z])[vV](?=\d)"), "V "),
    (re.compile(r"(?<![\d.])\d+(?:\.\d+){2,}(?![\d.])"), _dotted),
    # 12,345 is no hotline; 1,234,567
    (re.compile(r"(?<![\d.,¥$€£])[1-9]\d,\d{3}(?![\d.,])"), _quantity),
    (re.compile(r"(?<=\d),(?=\d{3}(?!\d))"), ""),
    # 验证码是8891, 尾号 0377
    (
        re.compile(rf"((?:{COUNTED_BY_DIGITS})[是为:： ]{{0,2}})(\d{{3,}}[xX]?)"),
        lambda found: found[1] + digit_by_digit(found[2]),
    ),
    (re.compile(r"(?<=单元)(\d{3,4})(?!\d)"), lambda found: digit_by_digit(found[1])),
    # 电流5A
    (re.compile(rf"(电流[^，。]{{0,4}}?{_NUMBER})\s?A(?![A-Za-z级])"), r"\1安"),
    # 1205房间, 302路, 1234次列车
    (
        re.compile(r"(?<![\d.])(\d{3,5})(?=房间|号房|室|教室|路(?:公交|车|到|$)|次(?:列车|航班|高铁|动车)|航班)"),
        lambda found: digit_by_digit(found[1]),
    ),
    # What is longer than any quantity is an identity: 110101199003077578
    (re.compile(r"(?<![\d.])\d{13,}[xX]?(?![\d.])"), lambda found: digit_by_digit(found.group())),
    # 公元前221年
    (re.compile(r"(公元前?)(\d{2,4})(?=年)"), lambda found: found[1] + _plain(found[2])),
    # CA1234, G102; GPT-4 and COVID-19 are no subtraction
    (re.compile(r"([A-Za-z])[-\s]?(\d{3,4}|\d{6,12})(?![\d.%])"), _behind_letters),
    (re.compile(r"(?<=[A-Za-z])-(?=\d)"), " "),
    # 2点, 2点半: the hour is 两
    (re.compile(r"(?<![\d.第])0?2(?=点(?!\d)|点\d{1,2}分)"), "两"),
    (re.compile(r"(?<![\d.:])0?2:00(?![\d:])"), "两点"),
    (re.compile(r"(?<![\d.:])0?2:(?=[0-5]\d(?![\d:]))(?=.{2}(?!.?胜|.?负|领先|击败))"), "两点"),
    (re.compile(r"(?<=两点)([0-5]\d)(?!\d|分)"), r"\1分"),
    # ¥3.5, ¥2万
    (re.compile(r"¥\s*(\d+(?:\.\d+)?)\s*(万|亿)?元?"), r"\1\2元"),
    # 10%-20%, 15℃~20℃, 3—5个, 100-200: from … to; 5-3=2 is left to be counted out
    (re.compile(rf"({_NUMBER}(?:%|°C|℃|°|万|亿|[a-zA-Z]{{1,3}}|元|岁)?)\s?~\s?(?=-?\d)"), r"\1到"),
    (re.compile(rf"({_NUMBER}(?:%|°C|℃|°|万|亿|元|岁))\s?-\s?(?={_NUMBER})"), r"\1到"),
    # 100+, 300万+
    (re.compile(rf"({_NUMBER}[万亿]?)\+(?![\d\w])"), r"\1多"),
    (re.compile(r"(?<!\d)(\d+)(?:st|nd|rd|th)(?![A-Za-z])"), r"第\1"),
    # 16kHz, 220V
    (
        re.compile(rf"(?<=\d)\s?({'|'.join(UNITS)})(?![A-Za-z0-9])"),
        lambda found: UNITS[found[1]],
    ),
    # 5*3, 2^10, x>y, a=b, √2, 100&200
    (re.compile(r"(?<=\d)\s?[*x×]\s?(?=\d)"), "乘"),
    (re.compile(rf"({_NUMBER})\^-({_NUMBER})"), r"\1的负\2次方"),
    (re.compile(rf"({_NUMBER}|[A-Za-z])\^({_NUMBER})"), r"\1的\2次方"),
    (re.compile(r"(?<=[A-Za-z方])\s?\+\s?(?=[A-Za-z0-9])"), "加"),
    (re.compile(r"√(?=\w)"), "根号"),
    (re.compile(r"(?<=[A-Za-z])\s?=\s?(?=\w)"), "等于"),
    (re.compile(r"(?<=\w)\s?>\s?(?=\w)"), "大于"),
    (re.compile(r"(?<=\w)\s?<\s?(?=\w)"), "小于"),
    (re.compile(r"(?<=\w)\s?&\s?(?=\w)"), "和"),
    (re.compile(r"[α-ωΔΣΩ]"), lambda found: GREEK.get(found.group(), found.group())),
)
