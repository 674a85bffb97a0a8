// What the page says, in the two languages it speaks. The browser's language decides, until the reader does.

export type Language = "zh" | "en";

const ENGLISH = {
  skip: "Go to the text",
  docs: "API",
  language: "中文",
  title: "Speak a text",
  text: "Text",
  placeholder: "欢迎使用语音合成服务。今天是个好天气。",
  emotion: "Emotion",
  intensity: "Intensity",
  speed: "Speed",
  model: "Version",
  format: "Format",
  speak: "Speak",
  stop: "Stop",
  takes: "Takes",
  empty: "What you have spoken stands here, the latest first.",
  mark: "AI generated",
  download: "Download",
  speaking: "Speaking… {0} s",
  waiting: "The version is being loaded…",
  done: "Done in {0} s",
  stopped: "Stopped.",
  offline: "The service does not answer. See whether it is running.",
  seconds: "{0} s",
  signIn: "Sign in",
  keyWanted: "This service wants a key. Whoever runs it makes one with: indextts-hub key create NAME",
  key: "Key",
  refused: "This key is unknown, has expired or was revoked.",
  neutral: "Neutral",
  happy: "Happy",
  angry: "Angry",
  sad: "Sad",
  afraid: "Afraid",
  disgusted: "Disgusted",
  melancholic: "Melancholic",
  surprised: "Surprised",
  calm: "Calm",
  endpoints: "What the service answers to",
  body: "Body",
  parameters: "Parameters",
  answers: "Answers",
  page: "Page",
  machine: "As OpenAPI (JSON)",
};

export type Word = keyof typeof ENGLISH;

const CHINESE: Record<Word, string> = {
  skip: "跳到文本",
  docs: "接口",
  language: "English",
  title: "语音合成",
  text: "文本",
  placeholder: "欢迎使用语音合成服务。今天是个好天气。",
  emotion: "情感",
  intensity: "强度",
  speed: "语速",
  model: "版本",
  format: "格式",
  speak: "合成",
  stop: "停止",
  takes: "结果",
  empty: "合成的语音会出现在这里，最新的在最前。",
  mark: "AI 生成",
  download: "下载",
  speaking: "正在合成… {0} 秒",
  waiting: "正在加载版本…",
  done: "完成，用时 {0} 秒",
  stopped: "已停止。",
  offline: "服务没有响应，请检查它是否在运行。",
  seconds: "{0} 秒",
  signIn: "登录",
  keyWanted: "此服务需要密钥。管理员可用 indextts-hub key create 名称 创建。",
  key: "密钥",
  refused: "密钥不存在、已过期或已吊销。",
  neutral: "中性",
  happy: "高兴",
  angry: "愤怒",
  sad: "悲伤",
  afraid: "恐惧",
  disgusted: "厌恶",
  melancholic: "忧郁",
  surprised: "惊讶",
  calm: "平静",
  endpoints: "服务接口",
  body: "请求体",
  parameters: "参数",
  answers: "响应",
  page: "页面",
  machine: "OpenAPI 文档（JSON）",
};

const WORDS = { en: ENGLISH, zh: CHINESE };
const KEPT = "language";

export let language: Language = chosen();

export function say(word: Word, ...values: (string | number)[]): string {
  return values.reduce<string>((text, value, at) => text.replace(`{${at}}`, String(value)), WORDS[language][word]);
}

/** Put the words into everything marked with `data-say`. */
export function translate(root: ParentNode = document): void {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of root.querySelectorAll<HTMLElement>("[data-say]")) {
    element.textContent = say(element.dataset["say"] as Word);
  }
}

export function switchLanguage(): void {
  language = language === "zh" ? "en" : "zh";
  localStorage.setItem(KEPT, language);
}

function chosen(): Language {
  const kept = localStorage.getItem(KEPT);
  if (kept === "zh" || kept === "en") return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}
