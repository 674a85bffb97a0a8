"""What a Mandarin reader says where wetext would say something else: rewritten, in this order, before it reads the numbers.

Each rule has its reason and an example beside it. Text comes in NFKC, so full-width forms, ㎡ and ℃ are plain already.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType

__all__ = ["digit_by_digit", "rewritten", "unfolded"]

_Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]

_TELEPHONE_DIGITS = "零幺二三四五六七八九"
# Said by name where they stand inside an address.
_IN_ADDRESSES = {
    "@": "艾特",
    "/": "斜杠",
    ".": "点",
    "_": "下划线",
    "-": "杠",
    "&": "和",
    "#": "井号",
    ":": "冒号",
    "?": "问号",
    "=": "等于",
    "%": "百分号",
    "+": "加",
    "~": "波浪号",
}
# What wetext does not know of units behind a number; it knows lengths, areas, weights, volumes, times and temperatures.
_UNITS: Mapping[str, str] = MappingProxyType(
    {
        "kWh": "千瓦时",
        "mAh": "毫安时",
        "Gbps": "吉比特每秒",
        "Mbps": "兆比特每秒",
        "kbps": "千比特每秒",
        "GHz": "吉赫兹",
        "MHz": "兆赫兹",
        "kHz": "千赫兹",
        "Hz": "赫兹",
        "kW": "千瓦",
        "MW": "兆瓦",
        "mW": "毫瓦",
        "W": "瓦",
        "kV": "千伏",
        "mV": "毫伏",
        "V": "伏",
        "mA": "毫安",
        "dB": "分贝",
        "kPa": "千帕",
        "MPa": "兆帕",
        "Pa": "帕",
        "kcal": "千卡",
        "kJ": "千焦",
        "rpm": "转每分",
        "fps": "帧每秒",
        "μm": "微米",
        "nm": "纳米",
        "μg": "微克",
        "μs": "微秒",
        "Ω": "欧姆",
        "t": "吨",
        "h": "小时",
    }
)
_GREEK: Mapping[str, str] = MappingProxyType(
    {
        "α": "阿尔法",
        "β": "贝塔",
        "γ": "伽马",
        "δ": "德尔塔",
        "Δ": "德尔塔",
        "ε": "艾普西龙",
        "θ": "西塔",
        "λ": "兰姆达",
        "μ": "缪",
        "π": "派",
        "ρ": "柔",
        "σ": "西格玛",
        "Σ": "西格玛",
        "φ": "斐",
        "ω": "欧米伽",
        "Ω": "欧米伽",
    }
)
_NUMBER = r"\d+(?:\.\d+)?"
_TOP_DOMAINS = "com|cn|org|net|io|ai|gov|edu|top|xyz|app|dev|info|me|tv|cc"
_COUNTED_BY_DIGITS = (
    "号码|房间号|编号|工号|单号|订单号|验证码|密码|邮编|尾号|房号|学号|卡号|证号|身份证号|账号|传真|代码|热线|邮政编码"
)


def unfolded(text: str) -> str:
    """Keep apart what NFKC would join into other numbers: ①② is no 12, and 1½ no 11⁄2."""
    return "".join(_unfolded(character, text[at - 1 : at]) for at, character in enumerate(text))


def _unfolded(character: str, before: str) -> str:
    plain = unicodedata.normalize("NFKC", character)
    if "⁄" in plain:
        return ("又" if before.isdigit() else "") + plain.replace("⁄", "/")
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


def _address(found: re.Match[str]) -> str:
    body = re.sub(r"^https?://", "", found.group()).rstrip("/.")
    return "".join(_IN_ADDRESSES.get(sign, sign) for sign in body)


def _telephone(found: re.Match[str]) -> str:
    return "，".join(map(digit_by_digit, re.findall(r"\d+", found.group())))


def _dotted(found: re.Match[str]) -> str:
    """1.0.3 → 1点0点3, 192.168.1.1 → 一九二点…: long parts by digits."""
    parts = found.group().split(".")
    return "点".join(digit_by_digit(part).replace("幺", "一") if len(part) > 2 else part for part in parts)


def _behind_letters(found: re.Match[str]) -> str:
    """CA1234 and G102 by digits; A100 and RTX 4000 are round enough to be a number."""
    return found[1] + (found[2] if found[2].endswith("00") else digit_by_digit(found[2]))


_RULES: tuple[_Rule, ...] = (
    # The many minus signs and dashes between numbers are one.
    (re.compile(r"[−–](?=\s?\d)"), "-"),
    (re.compile(r"(?<=\d)\s?[—~]+\s?(?=\d)"), "~"),
    # https://example.com/a, a.b@example.com, example.com: sign by sign
    (re.compile(r"(?:https?://|www\.)[\w.~:/?#@&=%+-]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII), _address),
    (re.compile(rf"(?<![\w.])(?:[A-Za-z][\w-]*\.)+(?:{_TOP_DOMAINS})(?![\w.])", re.ASCII), _address),
    (re.compile(r"(?i)\bC\+\+"), "C加加"),
    (re.compile(r"(?i)\b([CF])#"), r"\1井号"),
    (re.compile(r"(?i)\bwi-fi\b"), "WiFi"),
    (re.compile(r"(?i)\be-mail\b"), "email"),
    (re.compile(r"(?i)\bNo\.\s?(?=\d)"), "第"),
    # mirrors.yaml, Node.js, .NET: the dot is said
    (re.compile(r"(?<=[A-Za-z0-9])\.(?=[A-Za-z])|(?<![\w.])\.(?=[A-Z]{2})", re.ASCII), "点"),
    # 010-12345678, 0755 1234567, 400-800-8820, +86 139…: by digits, a breath between the groups
    (re.compile(r"\+86[- ]?(?=1\d{10})"), "加八六，"),
    (re.compile(r"(?<!\d)(?:0\d{2,3}[- ]\d{3,4}[- ]?\d{4}|[48]00-?\d{3}-?\d{4}|1[3-9]\d[- ]?\d{4}[- ]?\d{4})(?!\d)"), _telephone),
    # v2.5, 1.0.3, 192.168.1.1
    (re.compile(r"(?<![A-Za-z])[vV](?=\d)"), "V "),
    (re.compile(r"(?<![\d.])\d+(?:\.\d+){2,}(?![\d.])"), _dotted),
    # 1,234,567
    (re.compile(r"(?<=\d),(?=\d{3}(?!\d))"), ""),
    # 验证码是8891, 尾号 0377
    (
        re.compile(rf"((?:{_COUNTED_BY_DIGITS})[是为:： ]{{0,2}})(\d{{3,}}[xX]?)"),
        lambda found: found[1] + digit_by_digit(found[2]),
    ),
    # 1205房间, 302路, 1234次列车
    (
        re.compile(r"(?<![\d.])(\d{3,5})(?=房间|号房|室|教室|路(?:公交|车|到|$)|次(?:列车|航班|高铁|动车)|航班)"),
        lambda found: digit_by_digit(found[1]),
    ),
    # What is longer than any quantity is an identity: 110101199003077578
    (re.compile(r"(?<![\d.])\d{13,}[xX]?(?![\d.])"), lambda found: digit_by_digit(found.group())),
    # 公元前221年
    (re.compile(r"(公元前?)(\d{2,4})(?=年)"), lambda found: found[1] + digit_by_digit(found[2]).replace("幺", "一")),
    # CA1234, G102; GPT-4 and COVID-19 are no subtraction
    (re.compile(r"([A-Za-z])[-\s]?(\d{3,4})(?![\d.%])"), _behind_letters),
    (re.compile(r"(?<=[A-Za-z])-(?=\d)"), " "),
    # 2点, 2点半: the hour is 两
    (re.compile(r"(?<![\d.第])0?2(?=点(?!\d))"), "两"),
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
    (re.compile(r"(\d+)(?:st|nd|rd|th)\b"), r"第\1"),
    # 16kHz, 220V
    (
        re.compile(rf"(?<=\d)\s?({'|'.join(_UNITS)})(?![A-Za-z0-9])"),
        lambda found: _UNITS[found[1]],
    ),
    # 5*3, 2^10, x>y, a=b, √2, 100&200
    (re.compile(r"(?<=\d)\s?[*x×]\s?(?=\d)"), "乘"),
    (re.compile(rf"({_NUMBER})\^({_NUMBER})"), r"\1的\2次方"),
    (re.compile(r"√(?=\w)"), "根号"),
    (re.compile(r"(?<=[A-Za-z])\s?=\s?(?=\w)"), "等于"),
    (re.compile(r"(?<=\w)\s?>\s?(?=\w)"), "大于"),
    (re.compile(r"(?<=\w)\s?<\s?(?=\w)"), "小于"),
    (re.compile(r"(?<=\w)\s?&\s?(?=\w)"), "和"),
    (re.compile(r"[α-ωΔΣΩ]"), lambda found: _GREEK.get(found.group(), found.group())),
)
