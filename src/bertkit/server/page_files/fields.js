// What each task reads, and how the page asks for it. A file that is dropped on a field is its text.
const text = (name, label, value, tall = true) => ({ name, label, value, tall });

export const FIELDS = {
  "sentence-embedding": [
    text("query", "Search for", "a machine that computes", false),
    text("passages", "in these passages, one a line", "Ada Lovelace wrote notes on an engine.\nThe cat sat on the mat.\nBabbage designed a calculator."),
  ],
  "text-classification": [text("lines", "Texts, one a line", "A warm and funny film.\nA waste of an evening.")],
  "token-classification": [text("text", "Text", "Ada Lovelace lived in London and worked with Charles Babbage.")],
  "question-answering": [
    text("question", "Question", "Who designed the machine?", false),
    text("context", "Context", "Ada Lovelace wrote notes on a machine that Charles Babbage had designed."),
  ],
  "fill-mask": [text("text", "Text with [MASK]", "The band released its first [MASK] in 1994.")],
  "text-ranking": [
    text("query", "Query", "who designed the machine", false),
    text("documents", "Documents, one a line", "Babbage designed it.\nThe cat sat on the mat."),
  ],
  "zero-shot-classification": [
    text("text", "Text", "The match ended three to two."),
    text("labels", "Labels, with commas between", "sport, politics, art", false),
  ],
  "next-sentence-prediction": [text("text", "First sentence", "It rained.", false), text("text_pair", "Second", "We got wet.", false)],
  "multiple-choice": [text("text", "Text", "She opened the door and", false), text("choices", "Choices, one a line", "walked in.\nsank.")],
  search: [
    text("query", "Search your documents", "", false),
    text("filter", "Only where, such as year>2020", "", false),
  ],
  "feature-extraction": [text("text", "Text", "A text whose tokens have vectors.")],
};

const lines = (value) => value.split("\n").map((line) => line.trim()).filter(Boolean);

// The rows of a request.
export function rowsOf(task, values) {
  if (task === "sentence-embedding") return [values.query, ...lines(values.passages)];
  if (task === "text-classification") return lines(values.lines);
  if (task === "text-ranking") return [{ query: values.query, documents: lines(values.documents) }];
  if (task === "zero-shot-classification") return [{ text: values.text, candidate_labels: values.labels }];
  if (task === "multiple-choice") return [{ text: values.text, choices: lines(values.choices) }];
  return [values];
}

export function draw(place, fields) {
  place.replaceChildren(
    ...fields.flatMap((field) => {
      const label = Object.assign(document.createElement("label"), { textContent: field.label, htmlFor: field.name });
      const input = document.createElement(field.tall ? "textarea" : "input");
      if (!field.tall) input.type = "text";
      Object.assign(input, { id: field.name, name: field.name, value: field.value });
      takeFiles(input);
      return [label, input];
    }),
  );
}

function takeFiles(input) {
  input.addEventListener("dragover", (event) => {
    event.preventDefault();
    input.classList.add("over");
  });
  input.addEventListener("dragleave", () => input.classList.remove("over"));
  input.addEventListener("drop", async (event) => {
    input.classList.remove("over");
    const file = event.dataTransfer.files[0];
    if (!file) return;
    event.preventDefault();
    input.value = await file.text();
  });
}
