// The page: a form, and below it what question.js answers. The address holds the question, so that it can be passed on.

import { readFormulas } from "./formulas.js";
import { answer } from "./question.js";
import { drawMemory, drawRoofline } from "./pictures.js";

const GB = 1e9;
const MOST_BATCH = 2 ** 20;
const form = document.getElementById("ask");
const field = (name) => document.getElementById(name);
const SIZES = ["layers", "width", "heads", "ffn_width", "vocab_size"];
const BINDS = {
  compute: "the matrix products", bandwidth: "moving numbers through memory", launch: "starting kernels",
  link: "the link between the devices",
};

// All numbers are printed with four digits.
const four = (value) => Number(value).toLocaleString("en", { maximumSignificantDigits: 4 });

const [formulas, facts] = await Promise.all([
  fetch("./formulas.txt").then((got) => got.text()),
  fetch("./facts.json").then((got) => got.json()),
]);
const table = readFormulas(formulas);

function options(name, values, words = (value) => value) {
  field(name).replaceChildren(...values.map((value) => new Option(words(value), value)));
}

function fill() {
  options("model", Object.keys(facts.models));
  options("device", Object.keys(facts.devices));
  options("precision", ["", ...Object.keys(facts.bytes)], (value) => value || "what suits");
  options("engine", Object.keys(facts.engines));
  options("link", ["", ...Object.keys(facts.links)], (value) => value || "its own");
  field("model").value = "bert-base";
  for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
    const asked = form.elements.namedItem(name);
    if (asked === null) continue;
    if (asked.type === "checkbox") asked.checked = value === "on";
    else asked.value = value;
  }
  field("own").open = SIZES.some((name) => field(name).value);
}

// The device's and the model's own numbers as placeholders, so that what is left empty can be read.
function showDefaults() {
  const model = facts.models[field("model").value].inputs;
  for (const name of SIZES) field(name).placeholder = model[name];
  const isCpu = facts.devices[field("device").value].inputs.is_cpu;
  field("count_of").textContent = isCpu ? "cores" : "how many";
  const trains = field("mode").value !== "inference";
  field("recompute").disabled = !trains;
  field("link").disabled = !trains || isCpu || Number(field("count").value) < 2;
}

class Problem extends Error {}

function whole(name, most) {
  const text = field(name).value.trim();
  const number = Number(text);
  if (text === "") return null;
  if (!Number.isInteger(number) || number < 1 || number > most) {
    throw new Problem(`${name}: give a whole number from 1 to ${most.toLocaleString("en")}`);
  }
  return number;
}

function readSizes(model) {
  const given = Object.fromEntries(SIZES.map((name) => [name, whole(name, 4_000_000)]).filter(([, value]) => value));
  if (Object.keys(given).length === 0) return null;
  const { layers, width, heads, ffn_width: ffnWidth, vocab_size: vocabulary, local_steps: local } = model.inputs;
  const sizes = { layers, width, heads, ffn_width: ffnWidth, vocab_size: vocabulary, ...given };
  if (sizes.layers > 500) throw new Problem("layers: give a whole number from 1 to 500");
  if (sizes.width % sizes.heads || (sizes.width / sizes.heads) % 8 || sizes.width / sizes.heads > 192) {
    throw new Problem("width must be a multiple of heads, and a head's width of 8, up to 192");
  }
  if (local || model.inputs.kv_heads || new Set(model.layer_of_step).size < model.layer_of_step.length) {
    throw new Problem("other sizes are for models whose layers are alike: choose bert-base, say");
  }
  return sizes;
}

function readLengths(most) {
  const lengths = field("lengths").value.split(",").map((part) => Number(part.trim() || NaN));
  if (!lengths.every((one) => Number.isInteger(one) && one >= 1)) throw new Problem("tokens: give 128, or 16, 128, 512");
  if (lengths.some((one) => one > most)) {
    throw new Problem(`tokens: this model reads up to ${four(most)}; longer texts are read in windows of that`);
  }
  return lengths;
}

function readQuestion() {
  const model = facts.models[field("model").value];
  const mode = field("mode").value;
  const precision = field("precision").value || null;
  if (mode !== "inference" && ["int8", "fp8"].includes(precision)) {
    throw new Problem(`training in ${precision}: choose float32, bfloat16 or float16`);
  }
  return {
    model: field("model").value, sizes: readSizes(model), device: field("device").value,
    count: whole("count", 4096) ?? 1, mode, precision, engine: field("engine").value,
    lengths: readLengths(model.inputs.max_length), batch: whole("batch", MOST_BATCH),
    recompute: mode !== "inference" && field("recompute").checked, link: field("link").value || null, lora_rank: 8,
  };
}

function duration(hours) {
  if (hours >= 48) return `${four(hours / 24)} days`;
  return hours >= 1.5 ? `${four(hours)} hours` : `${four(hours * 60)} minutes`;
}

function verdictWords(asked, found) {
  const device = facts.devices[asked.device];
  const each = device.inputs.is_cpu ? `${asked.count} cores of ` : asked.count > 1 ? `${asked.count} × ` : "";
  const verdicts = { runs: "runs", tight: "is tight", "does not": "does not run" };
  const words = found.verdict === null ? "needs memory that is not known" : verdicts[found.verdict];
  return `${asked.model} ${words} on ${each}${asked.device}: ${found.precision}, ${four(found.batch)} texts at once`;
}

function numberRows(asked, found) {
  const rows = [
    ["needed at its peak, GB", found.needed_bytes / GB], ["weights, GB", found.weights_bytes / GB],
    ["gradients, GB", found.gradients_bytes / GB], ["optimiser, GB", found.optimiser_bytes / GB],
    ["activations, GB", found.activations_bytes / GB],
    ["can be used of the device, GB", found.verdict === null ? null : found.room_bytes / GB],
    ["most texts like these at once", found.largest_batch >= MOST_BATCH / 2 ? null : found.largest_batch],
    ["longest single text, tokens", found.longest], ["parameters, millions", found.parameters / 1e6],
    ["arithmetic of a batch, GFLOP", found.batch_flops / 1e9], ["moved for a batch, GB", found.batch_bytes / GB],
  ];
  if (found.unknown === null) {
    rows.push(
      ["a batch, ms", found.batch_seconds * 1e3], ["  of it compute, ms", found.compute_seconds * 1e3],
      ["  moving numbers, ms", found.bandwidth_seconds * 1e3], ["  starting kernels, ms", found.launch_seconds * 1e3],
      ["  summing gradients, ms", found.summing_seconds * 1e3], ["texts a second", found.sequences_per_second],
      ["tokens a second", found.tokens_per_second], ["of the peak, %", found.peak_share * 100],
      ["a million texts, hours", found.hours_of_a_million], ["a million texts, kWh", found.kwh_of_a_million ?? null],
      ["a million texts, $", found.usd_of_a_million ?? null],
    );
  }
  return rows.filter(([, value]) => value !== null && value !== undefined);
}

function show(asked, found) {
  const device = facts.devices[asked.device];
  field("verdict").textContent = verdictWords(asked, found);
  field("verdict").className = found.verdict === "does not" ? "does-not" : "";
  field("advice").textContent = advice(asked, found);
  drawMemory(field("memory"), partsOf(asked, found), found.needed_bytes, found.verdict === null ? 0 : found.room_bytes, four);
  showSpeed(found, device);
  field("numbers").replaceChildren(...numberRows(asked, found).map(row));
  const rate = device.rates[found.precision];
  const rent = device.rents[0] ? `; $${device.rents[0].usd_an_hour} an hour (${device.rents[0].provider}, ${device.rents[0].date})` : "";
  field("sources").textContent =
    `Peak: ${rate ? rate.evidence : "not known"}. ${device.source}, read on ${device.read_on}${rent}.`;
}

// Gradients and activations are not there whole at one time: they are one part, at its fullest.
function partsOf({ mode }, found) {
  const fixed = found.weights_bytes + found.optimiser_bytes;
  const parts = [["weights", found.weights_bytes], ["optimiser", found.optimiser_bytes]];
  if (mode !== "inference") return [...parts, ["gradients and activations", found.needed_bytes - fixed]];
  return [...parts, ["activations", found.activations_bytes], ["rest", found.needed_bytes - fixed - found.activations_bytes]];
}

// What would make it fit.
function advice(asked, found) {
  if (found.verdict !== "does not") return "";
  const ways = found.largest_batch ? [`at most ${four(found.largest_batch)} texts at once`] : [];
  if (asked.mode !== "inference" && !asked.recompute) {
    const again = answer(table, facts, { ...asked, recompute: true });
    if (again.verdict !== "does not") ways.push(`activations computed again (${four(again.needed_bytes / GB)} GB)`);
  }
  return ways.length ? `It would fit with ${ways.join(", or with ")}.` : "Nothing that is known here makes it fit.";
}

function showSpeed(found, device) {
  field("roofline").replaceChildren();
  if (found.unknown !== null) {
    field("speed").textContent = `Not known: ${found.unknown}.`;
    return;
  }
  const [low, high] = [found.low * found.sequences_per_second, found.high * found.sequences_per_second];
  const cost = found.usd_of_a_million === undefined ? "" : `, $${four(found.usd_of_a_million)}`;
  field("speed").textContent =
    `${found.binds === "memory" ? "If it did fit: " : ""}${four(low)} to ${four(high)} texts a second; a million take ` +
    `${duration(found.hours_of_a_million)}${cost}.` +
    (found.binds === "memory" ? "" : ` Most of the time goes to ${BINDS[found.binds]}.`);
  const bandwidth = device.inputs.bandwidth_gb_s * 1e9;
  const work = { flops: found.batch_flops, bytes: found.batch_bytes, seconds: found.batch_seconds };
  if (bandwidth) drawRoofline(field("roofline"), found.peak_flops, bandwidth, work, four);
}

function row([name, value]) {
  const made = document.createElement("tr");
  const [head, cell] = [document.createElement("th"), document.createElement("td")];
  head.scope = "row";
  head.textContent = name;
  cell.textContent = four(value);
  made.append(head, cell);
  return made;
}

function update() {
  showDefaults();
  try {
    const asked = readQuestion();
    show(asked, answer(table, facts, asked));
    field("problem").hidden = true;
    field("answer").hidden = false;
    const filled = [...new FormData(form)].filter(([, value]) => value !== "");
    history.replaceState(null, "", `#${new URLSearchParams(filled)}`);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    field("problem").textContent = error.message;
    field("problem").hidden = false;
    field("answer").hidden = true;
  }
}

fill();
update();
form.addEventListener("input", update);
form.addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("resize", update);
