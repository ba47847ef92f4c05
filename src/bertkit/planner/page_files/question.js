// One question, one answer: what `plan.py` asks the formulas, asked of the same table. The facts are facts.json.

import { Values } from "./formulas.js";

const MOST_TEXTS = 2 ** 20;

// The answer's numbers, each of them the value of a formula of that name.
const MEMORY = ["weights_bytes", "gradients_bytes", "optimiser_bytes", "activations_bytes", "needed_bytes", "room_bytes"];
const WORK = ["parameters", "batch_flops", "batch_bytes"];
const TIME = [
  "compute_seconds", "bandwidth_seconds", "launch_seconds", "summing_seconds", "batch_seconds", "peak_flops",
  "peak_share", "sequences_per_second", "tokens_per_second", "hours_of_a_million",
];

// asked: {model, sizes, device, count, mode, precision, engine, lengths, batch, recompute, link, lora_rank}; `sizes`,
// `precision`, `batch` and `link` may be null for the model's own, the device's best, what suits it, and its own.
export function answer(table, facts, asked) {
  const device = facts.devices[asked.device];
  const precision = asked.precision ?? device.best_precision;
  const trains = asked.mode !== "inference";
  const isCpu = Boolean(device.inputs.is_cpu);
  const model = modelOf(facts, asked);
  const ranks = isCpu ? 1 : asked.count;
  const link = trains && ranks > 1 ? facts.links[asked.link ?? device.link] : 0;
  const rate = device.rates[precision];
  const given = {
    ...model.inputs, ...facts.engines[asked.engine][trains ? "training" : "inference"], ...device.inputs, ...rate,
    ...facts.kernels[model.kernels[isCpu ? "cpu" : "gpu"][facts.bytes[precision] < 4 ? "half" : "full"]],
    trains, lora: asked.mode === "lora", pretrains: asked.mode === "pre-training", updates: true,
    lora_rank: asked.lora_rank, size: facts.bytes[precision], ranks_sharing: 1, recompute: asked.recompute,
    cores: isCpu ? asked.count : 1, ranks, link_bytes_s: link ?? 0, usd_an_hour: device.rents[0]?.usd_an_hour ?? 0,
  };
  const batch = asked.batch ?? usualBatch(table, device, asked.lengths, trains);
  const valuesOf = (counts) => new Values(table, given, counts, stepRows(model));
  const values = valuesOf(countsOf(spread(asked.lengths, batch)));
  const fits = (counts) => valuesOf(counts).get("needed_bytes") <= values.get("room_bytes");
  const [known, longest] = [Boolean(device.inputs.memory_gb), Math.max(...asked.lengths)];
  const unknown = unknownOf(device, precision, rate, isCpu, link);
  const read = (names) => Object.fromEntries(names.map((name) => [name, Number(values.get(name))]));
  const result = {
    precision, batch, unknown, link: Boolean(link), low: rate?.low, high: rate?.high, ...read(MEMORY), ...read(WORK),
    verdict: known ? (!values.get("fits") ? "does not" : values.get("tight") ? "tight" : "runs") : null,
    largest_batch: known ? largest((count) => fits(new Map([[longest, count]])), MOST_TEXTS) : 0,
    longest: known ? largest((length) => fits(new Map([[length, 1]])), model.inputs.max_length + 1) : 0,
  };
  if (unknown === null) {
    Object.assign(result, read(TIME));
    if (device.inputs.watts) result.kwh_of_a_million = values.get("kwh_of_a_million");
    if (device.rents.length) result.usd_of_a_million = values.get("usd_of_a_million");
  }
  return { ...result, binds: bindsOf(result) };
}

// A preset's numbers, with the user's own sizes in their place.
function modelOf(facts, { model: name, sizes }) {
  const model = facts.models[name];
  if (!sizes) return model;
  const { layers, ...others } = sizes;
  return {
    ...model, layer_of_step: [...Array(layers).keys()], pattern: "G",
    inputs: { ...model.inputs, ...others, layers, steps: layers, global_steps: layers, local_steps: 0 },
  };
}

function unknownOf(device, precision, rate, isCpu, link) {
  if (link === undefined) return "what joins several of them";
  if (rate === undefined) return `its rate in ${precision}`;
  return isCpu || device.inputs.bandwidth_gb_s ? null : "its bandwidth";
}

function usualBatch(table, device, lengths, trains) {
  const mean = lengths.reduce((sum, one) => sum + one, 0) / lengths.length;
  return new Values(table, { trains, plan_tokens: device.plan_tokens, mean_length: mean }).get("usual_batch");
}

// So many sequences that stand for typical ones: evenly chosen from the sorted lengths.
function spread(lengths, count) {
  const ordered = [...lengths].sort((a, b) => a - b);
  return Array.from({ length: count }, (_, i) => ordered[Math.floor(((2 * i + 1) * ordered.length) / (2 * count))]);
}

function countsOf(lengths) {
  const counts = new Map();
  for (const length of lengths) counts.set(length, (counts.get(length) ?? 0) + 1);
  return counts;
}

function stepRows({ layer_of_step: layers, pattern }) {
  const isLocal = layers.map((_, step) => pattern[step % pattern.length] === "L");
  const begins = [...new Set(layers)].map((layer) => layers.indexOf(layer));
  return layers.map((_, step) => {
    const locals = isLocal.slice(0, step).filter(Boolean).length;
    return {
      is_local: isLocal[step], is_last: step === layers.length - 1, globals_before: step - locals,
      locals_before: locals, layers_after: begins.filter((one) => one > step).length,
    };
  });
}

// The largest number from 1 on that fits, where all smaller ones do too; 0 where none does.
function largest(fits, most) {
  if (!fits(1)) return 0;
  let [low, high] = [1, 2];
  while (high < most && fits(high)) [low, high] = [high, 2 * high];
  high = Math.min(high, most);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    [low, high] = fits(middle) ? [middle, high] : [low, middle];
  }
  return low;
}

function bindsOf(result) {
  if (result.verdict === "does not") return "memory";
  if (result.unknown !== null) return "unknown";
  const alone = result.compute_seconds + result.bandwidth_seconds + result.launch_seconds;
  if (result.summing_seconds > alone / 2) return "link";
  const parts = ["compute", "bandwidth", "launch"];
  return parts.reduce((most, one) => (result[`${one}_seconds`] > result[`${most}_seconds`] ? one : most));
}
