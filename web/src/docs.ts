// The API for people, made from what the service itself says of it (/openapi.json). Nothing is loaded from elsewhere.

import { startTheme } from "./theme";
import { say, translate } from "./words";

interface Schema {
  $ref?: string;
  type?: string;
  title?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  minimum?: number;
  maximum?: number;
  additionalProperties?: Schema | boolean;
}

interface Operation {
  summary?: string;
  description?: string;
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { description?: string; content?: Record<string, { schema?: Schema }> }>;
}

interface Description {
  paths: Record<string, Record<string, Operation>>;
  components?: { schemas?: Record<string, Schema> };
}

type Row = { name: string; schema: Schema; required: boolean; description: string };

function made<Tag extends keyof HTMLElementTagNameMap>(tag: Tag, text = "", ...inside: Node[]): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  element.append(text, ...inside);
  return element;
}

function resolved(schema: Schema, all: Description): Schema {
  const name = schema.$ref?.split("/").at(-1);
  return name === undefined ? schema : (all.components?.schemas?.[name] ?? schema);
}

function kind(schema: Schema): string {
  if (schema.$ref !== undefined) return schema.$ref.split("/").at(-1) ?? "";
  if (schema.anyOf !== undefined) return schema.anyOf.map(kind).filter((name) => name !== "null").join(" | ");
  if (schema.enum !== undefined) return schema.enum.map(String).join(" | ");
  if (schema.type === "array") return `[${kind(schema.items ?? {})}]`;
  const bounds = schema.minimum !== undefined && schema.maximum !== undefined ? ` ${schema.minimum}…${schema.maximum}` : "";
  return `${schema.type ?? ""}${bounds}`;
}

function table(rows: Row[]): HTMLTableElement {
  return made(
    "table",
    "",
    ...rows.map(({ name, schema, required, description }) => {
      const standard = schema.default === undefined || schema.default === null ? "" : ` = ${JSON.stringify(schema.default)}`;
      return made(
        "tr",
        "",
        made("th", "", made("code", required ? `${name} *` : name)),
        made("td", "", made("code", kind(schema) + standard)),
        made("td", description),
      );
    }),
  );
}

function fields(schema: Schema, all: Description): Row[] {
  const whole = resolved(schema, all);
  return Object.entries(whole.properties ?? {}).map(([name, field]) => ({
    name,
    schema: field,
    required: whole.required?.includes(name) ?? false,
    description: field.description ?? "",
  }));
}

function folded(title: string, rows: Row[], open: boolean): Node[] {
  if (rows.length === 0) return [];
  const details = made("details", "", made("summary", title), table(rows));
  details.open = open;
  return [details];
}

function endpoint(method: string, path: string, operation: Operation, all: Description): HTMLElement {
  const name = made("h3", "", made("span", method.toUpperCase()), made("code", path));
  name.firstElementChild?.classList.add("method");
  const parameters = (operation.parameters ?? []).map((found) => ({
    name: found.name,
    schema: found.schema,
    required: found.required ?? false,
    description: found.description ?? "",
  }));
  const body = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
  const good = Object.entries(operation.responses).find(([status]) => status.startsWith("2"))?.[1];
  const answer = good?.content?.["application/json"]?.schema;
  const article = made(
    "article",
    "",
    name,
    made("p", operation.summary ?? operation.description ?? ""),
    ...folded(say("parameters"), parameters, true),
    ...folded(say("body"), body === undefined ? [] : fields(body, all), true),
    ...folded(say("answers"), answer === undefined ? [] : fields(answer.items ?? answer, all), false),
  );
  article.classList.add("endpoint");
  return article;
}

startTheme();
translate();
const all = (await (await fetch("/openapi.json")).json()) as Description;
document
  .getElementById("endpoints")
  ?.append(
    ...Object.entries(all.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => endpoint(method, path, operation, all)),
    ),
  );
