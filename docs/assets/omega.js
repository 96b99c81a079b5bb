// Ω(p, f), and a plot of it with sliders on the page that has an element #omega.

/** Capacity κ of the three forms; `frequency` is f_c, phase by the pivot. */
function capacity(form, frequency, exploring) {
  const dualPhase = exploring ? frequency : 1 - frequency;
  if (form === "exponential") return 1 - dualPhase;
  if (form === "power") return Math.log(2 - dualPhase);
  return -Math.log(dualPhase); // information
}

/** Weight of a sample with confidence p in a class of frequency f. */
function omega(p, f, pivot, strength, form) {
  return Math.exp(strength * capacity(form, f, p < pivot) * (pivot - p));
}

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 640;
const HEIGHT = 340;
const LEFT = 52;
const BOTTOM = 44;
const TOP = 14;
const RIGHT = 12;

function element(parent, name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  parent.appendChild(made);
  return made;
}

function ticks(low, high) {
  const all = [];
  for (let exponent = -4; exponent <= 6; exponent++)
    for (const digit of [1, 2, 5]) all.push(digit * 10 ** exponent);
  const inside = all.filter((value) => value >= low && value <= high);
  return inside.length > 7 ? inside.filter((v) => Math.log10(v) % 1 === 0) : inside;
}

function draw(svg, settings) {
  const { pivot, strength, form, confidence } = settings;
  const curves = [
    { name: "rare", frequency: settings.rare },
    { name: "frequent", frequency: settings.frequent },
  ];
  for (const curve of curves) {
    curve.points = [];
    for (let step = 0; step <= 200; step++) {
      const p = step / 200;
      curve.points.push([p, omega(p, curve.frequency, pivot, strength, form)]);
    }
  }
  const weights = curves.flatMap((curve) => curve.points.map((point) => point[1]));
  const low = Math.min(0.5, ...weights) / 1.1;
  const high = Math.max(2, ...weights) * 1.1;
  const x = (p) => LEFT + p * (WIDTH - LEFT - RIGHT);
  const y = (weight) =>
    TOP +
    ((Math.log(high) - Math.log(weight)) / (Math.log(high) - Math.log(low))) *
      (HEIGHT - TOP - BOTTOM);

  svg.replaceChildren();
  for (const weight of ticks(low, high)) {
    const kind = weight === 1 ? "omega-one" : "omega-grid";
    element(svg, "line", { x1: x(0), x2: x(1), y1: y(weight), y2: y(weight), class: kind });
    const label = String(Number(weight.toPrecision(2)));
    element(svg, "text", { x: LEFT - 8, y: y(weight) + 4, "text-anchor": "end" }, label);
  }
  for (const p of [0, 0.25, 0.5, 0.75, 1])
    element(svg, "text", { x: x(p), y: HEIGHT - 24, "text-anchor": "middle" }, p);
  const middle = (x(0) + x(1)) / 2;
  element(
    svg, "text", { x: middle, y: HEIGHT - 5, "text-anchor": "middle" },
    "confidence in the true class",
  );
  element(svg, "text", { x: x(0) + 8, y: TOP + 10 }, "weight Ω");
  for (const [p, kind] of [[pivot, "omega-pivot"], [confidence, "omega-marker"]])
    element(svg, "line", { x1: x(p), x2: x(p), y1: y(high), y2: y(low), class: kind });
  for (const curve of curves) {
    const path = curve.points.map(([p, w]) => `${x(p).toFixed(1)},${y(w).toFixed(1)}`);
    const kind = `omega-curve omega-${curve.name}`;
    element(svg, "polyline", { points: path.join(" "), class: kind });
    const weight = omega(confidence, curve.frequency, pivot, strength, form);
    element(svg, "circle", { cx: x(confidence), cy: y(weight), r: 4, class: `omega-${curve.name}` });
  }
}

const CONTROLS = [
  // key, label, least, greatest, step, initial; frequencies are on a log scale
  ["confidence", "confidence p", 0, 1, 0.01, 0.25],
  ["pivot", "pivot ω", 0.05, 1, 0.01, 0.75],
  ["strength", "strength s", 0, 5, 0.1, 1],
  ["rare", "frequency of a rare class", -4, -1, 0.1, -3],
  ["frequent", "frequency of a frequent class", -2, -0.1, 0.1, -0.4],
];
const LOGARITHMIC = new Set(["rare", "frequent"]);

function start(root) {
  root.replaceChildren();
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", "Weight over confidence, for a rare and a frequent class");
  const readout = document.createElement("p");
  readout.setAttribute("aria-live", "polite");
  const controls = document.createElement("div");
  controls.className = "omega-controls";
  root.append(svg, readout, controls);

  const inputs = {};
  const shown = {};
  const row = (label, input) => {
    const line = document.createElement("label");
    const name = document.createElement("span");
    const value = document.createElement("output");
    name.textContent = label;
    line.append(name, input, value);
    controls.append(line);
    input.addEventListener("input", update);
    return value;
  };
  for (const [key, label, min, max, step, value] of CONTROLS) {
    const input = document.createElement("input");
    Object.assign(input, { type: "range", min, max, step });
    input.value = value;
    inputs[key] = input;
    shown[key] = row(label, input);
  }
  const form = document.createElement("select");
  for (const name of ["exponential", "power", "information"]) form.append(new Option(name, name));
  row("form", form);

  function update() {
    const settings = { form: form.value };
    for (const key of Object.keys(inputs)) {
      const value = Number(inputs[key].value);
      settings[key] = LOGARITHMIC.has(key) ? 10 ** value : value;
      shown[key].textContent = Number(settings[key].toPrecision(2));
    }
    draw(svg, settings);
    const weight = (frequency) =>
      omega(settings.confidence, frequency, settings.pivot, settings.strength, settings.form)
        .toPrecision(3);
    readout.innerHTML =
      `At confidence ${settings.confidence.toFixed(2)} an example of the ` +
      `<b class="omega-rare">rare class</b> weighs <b>${weight(settings.rare)}</b>, one of the ` +
      `<b class="omega-frequent">frequent class</b> <b>${weight(settings.frequent)}</b>.`;
  }
  update();
}

if (typeof document !== "undefined") {
  const root = document.getElementById("omega");
  if (root) start(root);
}
if (typeof module !== "undefined") module.exports = { omega };
