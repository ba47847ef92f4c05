// How the answers of each task look. Text goes into the page as text, never as markup.
function element(kind, content = "", name = "") {
  const made = document.createElement(kind);
  made.className = name;
  made.append(...[content].flat());
  return made;
}

// Names with a bar each; the bar also says its number to who cannot see it.
function bars(items) {
  const found = items.flatMap(([name, score]) => {
    const bar = element("meter");
    Object.assign(bar, { min: 0, max: 1, value: Math.max(0, Math.min(1, score)) });
    bar.setAttribute("aria-label", `${name}: ${score.toFixed(3)}`);
    return [element("span", name), bar, element("span", score.toFixed(3), "number")];
  });
  return element("div", found, "bars");
}

// Offsets count code points, not what JavaScript counts.
function marked(text, spans) {
  const points = [...text];
  const parts = [];
  let place = 0;
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    if (span.start < place) continue;
    parts.push(points.slice(place, span.start).join(""));
    const shown = points.slice(span.start, span.end).join("");
    parts.push(element("mark", span.label ? [shown, element("small", span.label)] : shown, `hue${span.hue}`));
    place = span.end;
  }
  return element("p", [...parts, points.slice(place).join("")], "text");
}

const cosine = (a, b) => {
  let [dot, aa, bb] = [0, 0, 0];
  a.forEach((value, n) => {
    dot += value * b[n];
    aa += value * value;
    bb += b[n] * b[n];
  });
  return dot / Math.sqrt(aa * bb || 1);
};

const labels = (record) => bars(record.labels.map((one) => [one.label, one.score]));
const lines = (value) => value.split("\n").map((line) => line.trim()).filter(Boolean);

// A passage that was found, the answer marked in it.
function hit(one, span) {
  const place = one.page ? `${one.file}, page ${one.page}` : `${one.file}:${one.line}`;
  const head = element("p", [element("strong", place), ` ${one.heading} `, element("span", one.score.toFixed(3), "number")]);
  const spans = span ? [{ start: span[0], end: span[1], label: "", hue: 1 }] : [];
  return element("div", [head, marked(one.text.replaceAll("\n", " "), spans)]);
}

function found(record) {
  const best = record.answer;
  const told = best ? `${best.answer} (${best.score.toFixed(2)})` : "No answer in these passages.";
  const hits = record.hits.map((one, n) => hit(one, best && best.hit === n ? best.span : null));
  return [...("answer" in record ? [element("p", element("strong", told))] : []), ...hits];
}

const SHOWS = {
  search: ([record]) => (record.hits.length ? found(record) : [element("p", "Nothing found.")]),
  "sentence-embedding": (records, values) => {
    const passages = lines(values.passages);
    const scored = passages.map((passage, n) => [passage, cosine(records[0].embedding, records[n + 1].embedding)]);
    return [bars(scored.sort((a, b) => b[1] - a[1]))];
  },
  "text-classification": (records, values) => {
    const texts = lines(values.lines);
    return records.flatMap((record, n) => [
      element("p", texts[n]),
      record.labels ? labels(record) : element("p", record.value.toFixed(3), "number"),
    ]);
  },
  "zero-shot-classification": (records) => records.map(labels),
  "token-classification": ([record], values) => {
    const kinds = [...new Set(record.entities.map((one) => one.label))].sort();
    const spans = record.entities.map((one) => ({ ...one, hue: kinds.indexOf(one.label) % 5 }));
    return [marked(values.text, spans)];
  },
  "question-answering": ([record], values) => {
    const spans = record.answers.slice(0, 1).map((one) => ({ ...one, label: one.score.toFixed(2), hue: 1 }));
    const scores = record.answers.map((one) => [one.answer, one.score]);
    return [marked(values.context, spans), bars([...scores, ["(no answer)", record.no_answer_score]])];
  },
  "fill-mask": ([record]) => record.fills.map((mask) => bars(mask.map((one) => [one.token, one.score]))),
  "text-ranking": ([record], values) => {
    const documents = lines(values.documents);
    return [bars(record.ranking.map((one) => [documents[one.index], one.score]))];
  },
  "multiple-choice": ([record], values) => {
    const choices = lines(values.choices);
    return [bars(record.choices.map((one) => [choices[one.index], one.score]))];
  },
  "next-sentence-prediction": ([record]) => [bars([["is next", record.is_next]])],
  "feature-extraction": ([record]) => [element("p", record.tokens.join(" "), "text")],
};

export function show(place, task, records, values) {
  const found = SHOWS[task](records, values);
  if (records.some((record) => record.windows > 1)) found.push(element("p", "Read in several windows.", "number"));
  place.replaceChildren(...found);
}

export function showError(place, error) {
  place.replaceChildren(element("div", [element("p", error.message), element("p", error.remedy ?? "")], "error"));
}
