// How a program asks for what the page asks for: the same request in three forms.

import type { Ask } from "./answers";

export interface Example {
  name: string;
  text: string;
}

/** The request in curl, in Python, and by OpenAI's client. */
export function examplesOf(ask: Ask, origin: string, wantsKey: boolean): Example[] {
  return [
    { name: "curl", text: curl(ask, origin, wantsKey) },
    { name: "Python", text: python(ask, origin, wantsKey) },
    { name: "OpenAI (Python)", text: openai(ask, origin, wantsKey) },
  ];
}

function curl(ask: Ask, origin: string, wantsKey: boolean): string {
  const key = wantsKey ? ` \\\n     -H "Authorization: Bearer $INDEXTTS_HUB_KEY"` : "";
  // A quote in the text would end what the shell is given.
  const body = JSON.stringify(ask, null, 2).replaceAll("'", `'\\''`);
  return `curl ${origin}/synthesize -o speech.${ask.format} -H "Accept: audio/*"${key} \\\n     -H "Content-Type: application/json" -d '${body}'`;
}

function python(ask: Ask, origin: string, wantsKey: boolean): string {
  const key = wantsKey ? `, "Authorization": "Bearer ihk_…"` : "";
  return [
    "import json",
    "from urllib.request import Request, urlopen",
    "",
    `ask = ${JSON.stringify(ask, null, 4)}`,
    `headers = {"Content-Type": "application/json", "Accept": "audio/*"${key}}`,
    `request = Request("${origin}/synthesize", json.dumps(ask).encode(), headers)`,
    `with urlopen(request) as answer, open("speech.${ask.format}", "wb") as file:`,
    "    file.write(answer.read())",
  ].join("\n");
}

function openai(ask: Ask, origin: string, wantsKey: boolean): string {
  const { text, model, voice, speed, format, ...more } = ask;
  return [
    "from openai import OpenAI",
    "",
    `client = OpenAI(base_url="${origin}/v1", api_key="${wantsKey ? "ihk_…" : "unused"}")`,
    "with client.audio.speech.with_streaming_response.create(",
    `    model=${literal(model ?? "stable")},`,
    `    voice=${literal(voice ?? "default")},`,
    `    input=${literal(text)},`,
    `    response_format=${literal(format === "ogg" ? "opus" : format)},`,
    `    speed=${speed},`,
    `    extra_body=${literal(more)},`,
    ") as answer:",
    `    answer.stream_to_file("speech.${format === "ogg" ? "opus" : format}")`,
  ].join("\n");
}

/** A value as Python writes it; JSON differs only in words that do not occur here. */
function literal(value: unknown): string {
  return JSON.stringify(value, null, typeof value === "object" ? 4 : 0).replace(/\n\s*/g, " ").replace(/([{[]) /g, "$1").replace(/ ([}\]])/g, "$1");
}
