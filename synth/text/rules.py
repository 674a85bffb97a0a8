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
        "mL": "毫升",
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
_CURRENCIES: Mapping[str, str] = MappingProxyType(
    {
        "RMB": "元",
        "CNY": "元",
        "USD": "美元",
        "US$": "美元",
        "EUR": "欧元",
        "GBP": "英镑",
        "JPY": "日元",
        "HKD": "港元",
        "HK$": "港元",
        "NT$": "新台币",
        "KRW": "韩元",
    }
)
_COMPARISONS: Mapping[str, str] = MappingProxyType(
    {
        "≤": "小于等于",
        "≥": "大于等于",
        "≠": "不等于",
        "≈": "约等于",
        "≡": "恒等于",
        "∞": "无穷大",
        "∵": "因为",
        "∴": "所以",
        "→": "到",
    }
)
# From its first digit on only: else a number of thousands of digits is tried from each of them.
_NUMBER = r"(?<!\d)\d+(?:\.\d+)?"
# What is counted behind a number, or said before one: then it is a quantity and no hotline, however much it looks like one.
_COUNTED = (
    "个|人|名|位|件|台|份|辆|套|张|本|只|条|家|户|元|块|吨|公斤|千克|斤|克|米|公里|千米|平|亩|次|步|票|字|箱|瓶|盒|包|袋|册|页|棵|头|座|栋|间"
    "|亿|股|点|分|秒|天|年|岁|例|种|款|批|单|笔|美元|欧元|度|多|余|篇|场|所|对|双|支|艘|架|枚|粒|颗"
)
_SUM = "[共计达为了出约近过有数值额量升降减增加售卖]"
_PER = (
    "公斤|千克|kg|斤|克|吨|个|人|天|月|年|次|件|张|小时|分钟|秒|平方米|平米|米|升|盒|瓶|份|位|晚|"
    "间|套|课时|节|度|立方米|台|袋|包|条|股|周"
)
_TOP_DOMAINS = "com|cn|org|net|io|ai|gov|edu|top|xyz|app|dev|info|me|tv|cc"
_COUNTED_BY_DIGITS = (
    "号码|房间号|会议号|编号|工号|单号|订单号|验证码|密码|邮编|尾号|房号|学号|卡号|证号|身份证号|账号|传真|代码|热线|邮政编码"
)


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
    return "".join(_IN_ADDRESSES.get(sign, sign) for sign in body)


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
    (re.compile(rf"(?<![\w.])(?:[A-Za-z][\w-]*\.)+(?:{_TOP_DOMAINS})(?![\w.])", re.ASCII), _address),
    (re.compile(r"(?i)\bC\+\+"), "C加加"),
    (re.compile(r"(?i)\b([CF])#"), r"\1井号"),
    (re.compile(r"(?i)\bwi-fi\b"), "WiFi"),
    (re.compile(r"(?i)\be-mail\b"), "email"),
    (re.compile(r"(?i)\bNo\.\s?(?=\d)"), "第"),
    # mirrors.yaml, Node.js, .NET: the dot is said
    (re.compile(r"(?<=[A-Za-z0-9])\.(?=[A-Za-z])|(?<![\w.])\.(?=[A-Z]{2})", re.ASCII), "点"),
    # 第VII章, II型
    (
        re.compile(r"(?<=第)([IVXLC]+)(?=[章节卷篇部册条届期回])|(?<![A-Za-z])(I{2,3}|IV|VI{1,3}|IX|XI{0,3})(?=[型期级类世])"),
        _roman,
    ),
    # ≤ and its like; ±3%
    (re.compile("[≤≥≠≈≡∞∵∴]"), lambda found: _COMPARISONS[found.group()]),
    (re.compile(r"±(?=\d)"), "正负"),
    # 9:30am, 5 pm, AM 9:00
    (
        re.compile(r"(?i)(?<![\d:])(\d{1,2}(?::\d{2})?)\s?([ap])\.?m\b\.?"),
        lambda found: _half_of_day(found[2]) + (found[1] if ":" in found[1] else f"{found[1]}点"),
    ),
    (re.compile(r"(?i)\b([ap])m\s?(?=\d{1,2}:\d{2})"), lambda found: _half_of_day(found[1])),
    # ¥1,299.00, US$5, RMB 500, ¥100-200, 5元/斤
    (re.compile(r"(?<=[¥$€£])(\s?\d[\d,]*)\.00(?!\d)"), r"\1"),
    (
        re.compile(rf"(?<![A-Za-z])({'|'.join(map(re.escape, _CURRENCIES))})\s?(\d[\d,]*(?:\.\d+)?[万亿]?)"),
        lambda found: found[2] + _CURRENCIES[found[1]],
    ),
    (re.compile(rf"¥\s?({_NUMBER})\s?-\s?({_NUMBER})(?![\d元])"), r"\1到\2元"),
    (re.compile(rf"(?<=[元块角分万亿]|[\u4e00-\u9fff])/(?={_PER})"), "每"),
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
    # 827 361 455
    (re.compile(r"(?<![\d.,])\d{3,4}(?: \d{3,4}){1,3}(?! ?[\d.,])"), _telephone),
    # 1米78, 1m75
    (re.compile(r"(?<=[12])\s?[米m]([0-9]{2})(?!\d|\.)"), lambda found: "米" + _plain(found[1])),
    # 1920×1080, 1080P, 90后, 618大促
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
    (re.compile(rf"(?<![\d.A-Za-z¥$€£])[1-9]\d{{4}}(?=\s?(?:{_COUNTED}))|(?<={_SUM})[1-9]\d{{4}}(?!\d|\.\d)"), _quantity),
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
        re.compile(rf"((?:{_COUNTED_BY_DIGITS})[是为:： ]{{0,2}})(\d{{3,}}[xX]?)"),
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
    (re.compile(r"(?<!\d)(\d+)(?:st|nd|rd|th)\b"), r"第\1"),
    # 16kHz, 220V
    (
        re.compile(rf"(?<=\d)\s?({'|'.join(_UNITS)})(?![A-Za-z0-9])"),
        lambda found: _UNITS[found[1]],
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
    (re.compile(r"[α-ωΔΣΩ]"), lambda found: _GREEK.get(found.group(), found.group())),
)
