"""How signs, units and currencies are called, and the words around numbers that say how to read them. Pure."""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = [
    "COMPARISONS",
    "COUNTED",
    "COUNTED_BY_DIGITS",
    "CURRENCIES",
    "GREEK",
    "IN_ADDRESSES",
    "PER",
    "SUM",
    "TOP_DOMAINS",
    "UNITS",
]

# Said by name where they stand inside an address.
IN_ADDRESSES = {
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
UNITS: Mapping[str, str] = MappingProxyType(
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
        "g": "克",
        "μm": "微米",
        "nm": "纳米",
        "μg": "微克",
        "μs": "微秒",
        "Ω": "欧姆",
        "t": "吨",
        "h": "小时",
    }
)
GREEK: Mapping[str, str] = MappingProxyType(
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
CURRENCIES: Mapping[str, str] = MappingProxyType(
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
COMPARISONS: Mapping[str, str] = MappingProxyType(
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
# What is counted behind a number, or said before one: then it is a quantity and no hotline, however much it looks like one.
COUNTED = (
    "个|人|名|位|件|台|份|辆|套|张|本|只|条|家|户|元|块|吨|公斤|千克|斤|克|米|公里|千米|平|亩|次|步|票|字|箱|瓶|盒|包|袋|册|页|棵|头|座|栋|间"
    "|亿|股|点|分|秒|天|年|岁|例|种|款|批|单|笔|美元|欧元|度|多|余|篇|场|所|对|双|支|艘|架|枚|粒|颗"
)
SUM = "[共计达为了出约近过有数值额量升降减增加售卖]"
PER = (
    "公斤|千克|kg|斤|克|吨|个|人|天|月|年|次|件|张|小时|分钟|秒|平方米|平米|米|升|盒|瓶|份|位|晚|"
    "间|套|课时|节|度|立方米|台|袋|包|条|股|周"
)
TOP_DOMAINS = "com|cn|org|net|io|ai|gov|edu|top|xyz|app|dev|info|me|tv|cc"
COUNTED_BY_DIGITS = (
    "号码|端口|房间号|会议号|编号|工号|单号|订单号|验证码|密码|邮编|尾号|房号|学号|卡号|证号|身份证号|账号|传真|代码|热线|邮政编码"
)
