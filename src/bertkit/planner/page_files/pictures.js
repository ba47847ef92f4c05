// Two pictures: what fills a device's memory, and where the work stands under the device's roof.

const SVG = "http://www.w3.org/2000/svg";
const GB = 1e9;

function draw(parent, name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

function canvas(box, height, label) {
  box.replaceChildren();
  const width = Math.max(240, box.clientWidth);
  const svg = draw(box, "svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": label });
  return [svg, width];
}

const partClass = (name) => `part-${name.replaceAll(" ", "-")}`;

// parts: [name, bytes] of what makes up `needed` bytes; room: bytes that can be used, or 0 where that is not known.
export function drawMemory(box, parts, needed, room, four) {
  const label = `${four(needed / GB)} GB are needed` + (room ? ` of ${four(room / GB)} GB` : "");
  const [svg, width] = canvas(box, 64, label);
  const scale = width / Math.max(needed, room * 1.02);
  let at = 0;
  for (const [name, size] of parts) {
    draw(svg, "rect", { class: partClass(name), x: at * scale, y: 4, width: Math.max(0, size * scale), height: 26 });
    at += size;
  }
  if (room) {
    const x = room * scale;
    draw(svg, "line", { class: "room", x1: x, x2: x, y1: 0, y2: 36 });
    draw(svg, "text", { x, y: 50, "text-anchor": x > width / 2 ? "end" : "start" }, `${four(room / GB)} GB can be used`);
  }
  const legend = document.createElement("p");
  legend.append(...parts.filter(([, size]) => size > 0).map(([name, size]) => mark(name, `${name} ${four(size / GB)} GB`)));
  box.append(legend);
}

function mark(name, words) {
  const item = document.createElement("span");
  item.className = "mark";
  draw(draw(item, "svg", { width: 12, height: 12, viewBox: "0 0 12 12", "aria-hidden": "true" }), "rect", {
    class: partClass(name), width: 12, height: 12,
  });
  item.append(` ${words}`);
  return item;
}

// peak: FLOP/s; bandwidth: bytes/s; work: {flops, bytes, seconds} of a batch.
export function drawRoofline(box, peak, bandwidth, work, four) {
  const [intensity, reached] = [work.flops / work.bytes, work.flops / work.seconds];
  const label = `${four(reached / 1e12)} of ${four(peak / 1e12)} TFLOP/s at ${four(intensity)} FLOP a byte`;
  const [height, left, bottom] = [220, 46, 36];
  const [svg, width] = canvas(box, height, label);
  const xs = [Math.min(1, intensity / 2), Math.max(1e4, intensity * 2)].map(Math.log10);
  const ys = [Math.min(reached / 3, bandwidth), peak * 2].map(Math.log10);
  const x = (value) => left + ((Math.log10(value) - xs[0]) / (xs[1] - xs[0])) * (width - left - 8);
  const y = (value) => height - bottom - ((Math.log10(value) - ys[0]) / (ys[1] - ys[0])) * (height - bottom - 8);
  for (let power = Math.ceil(xs[0]); power <= xs[1]; power += 1) {
    draw(svg, "line", { class: "axis", x1: x(10 ** power), x2: x(10 ** power), y1: 8, y2: height - bottom });
    draw(svg, "text", { class: "faint", x: x(10 ** power), y: height - bottom + 15, "text-anchor": "middle" }, String(10 ** power));
  }
  for (let power = Math.ceil(ys[0]); power <= ys[1]; power += 1) {
    draw(svg, "line", { class: "axis", x1: left, x2: width - 8, y1: y(10 ** power), y2: y(10 ** power) });
    draw(svg, "text", { class: "faint", x: left - 6, y: y(10 ** power) + 4, "text-anchor": "end" }, String(10 ** (power - 12)));
  }
  const from = Math.max(10 ** xs[0], 10 ** ys[0] / bandwidth);
  const points = [[from, from * bandwidth], [peak / bandwidth, peak], [10 ** xs[1], peak]];
  draw(svg, "polyline", { class: "roof", points: points.map(([a, b]) => `${x(a)},${y(b)}`).join(" ") });
  draw(svg, "text", { x: width - 8, y: y(peak) - 6, "text-anchor": "end" }, `peak ${four(peak / 1e12)} TFLOP/s`);
  draw(svg, "circle", { class: "here", cx: x(intensity), cy: y(reached), r: 6 });
  const side = x(intensity) > width / 2 ? { x: x(intensity) - 10, "text-anchor": "end" } : { x: x(intensity) + 10 };
  draw(svg, "text", { ...side, y: y(reached) + 20 }, `this work, ${four(reached / 1e12)} TFLOP/s`);
  draw(svg, "text", { class: "faint", x: width - 8, y: height - 4, "text-anchor": "end" }, "FLOP a byte that is moved");
  draw(svg, "text", { class: "faint", x: 0, y: height - 4 }, "TFLOP/s");
}
