// What the page does: choose a model, ask it, show the answer. Nothing is loaded from anywhere else.
import { show, showError } from "./answers.js";
import { FIELDS, draw, rowsOf } from "./fields.js";
import { asCurl, asPython } from "./code.js";

const by = (id) => document.getElementById(id);
let models = [];

async function begin() {
  try {
    // Not the models themselves while there are none: what is refused is an error in the browser's console.
    if (!(await (await fetch("/page/state")).json()).started) {
      by("state").textContent = "the server is starting …";
      setTimeout(begin, 500);
      return;
    }
    const answer = await fetch("/v1/models");
    models = (await answer.json()).data;
    const { index } = await (await fetch("/v1/search")).json();
    // Its model is there to read queries; what people ask is the index.
    if (index) models = [{ id: index.name, task: "search" }, ...models.filter((one) => one.id !== index.name)];
  } catch {
    by("state").textContent = "the server does not answer";
    return;
  }
  by("model").replaceChildren(...models.map((one) => new Option(`${one.id} (${one.task})`, one.id)));
  by("state").textContent = `${models.length} model${models.length === 1 ? "" : "s"}`;
  choose();
}

const chosen = () => models.find((one) => one.id === by("model").value);

function choose() {
  draw(by("fields"), FIELDS[chosen().task] ?? FIELDS["sentence-embedding"]);
  by("answer").replaceChildren();
}

async function ask(event) {
  event?.preventDefault();
  const model = chosen();
  if (!model) return;
  const values = Object.fromEntries([...by("fields").querySelectorAll("[name]")].map((one) => [one.name, one.value]));
  const searches = model.task === "search";
  const path = searches ? "/v1/search" : "/v1/predict";
  const body = searches ? searchOf(values) : { model: model.id, rows: rowsOf(model.task, values) };
  if (by("window").checked && !searches) body.long = "window";
  by("curl").textContent = asCurl(location.origin + path, body);
  by("python").textContent = asPython(location.origin + path, body, searches ? "" : '["records"]');
  by("meter").textContent = "…";
  try {
    const began = performance.now();
    const answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const got = await answer.json();
    by("json").textContent = JSON.stringify(got, shorter, 1);
    const tokens = answer.headers.get("x-compute-tokens") ?? "0";
    const inside = answer.headers.get("x-total-time") ?? "0";
    by("meter").textContent = `${tokens} tokens, ${inside} ms in the server, ${Math.round(performance.now() - began)} ms in all`;
    if (answer.ok) show(by("answer"), model.task, searches ? [got] : got.records, values);
    else showError(by("answer"), got.error);
  } catch {
    by("meter").textContent = "";
    showError(by("answer"), { message: "the server does not answer", remedy: "Is it still running?" });
  }
}

const reads = () => models.some((one) => one.task === "question-answering");

function searchOf(values) {
  const body = { query: values.query, hybrid: true, answer: reads() };
  if (values.filter.trim()) body.filter = values.filter;
  return body;
}

// A vector is shown by its beginning.
const shorter = (name, value) =>
  Array.isArray(value) && value.length > 8 && typeof value[0] === "number" ? [...value.slice(0, 8), "…"] : value;

by("model").addEventListener("change", choose);
by("ask").addEventListener("submit", ask);
by("ask").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) ask(event);
});
begin();
