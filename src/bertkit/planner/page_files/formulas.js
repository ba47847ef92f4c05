// The table of formulas, formulas.txt, and what it makes of given numbers; `formulas.py` is the same for Python.
// Nothing here runs text as code: an expression is read into a tree of small functions of the names' values.

const FUNCTIONS = {
  ceil: Math.ceil, floor: Math.floor, max: Math.max, min: Math.min, round: (value) => Math.floor(value + 0.5),
};
const OPERATORS = {
  "+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, "/": (a, b) => a / b,
  "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b,
  "==": (a, b) => Number(a) === Number(b), "!=": (a, b) => Number(a) !== Number(b),
};
const TOKEN = /\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?|[a-z][a-z0-9_]*|\*\*|<=|>=|==|!=|[-+*/()<>,])/y;

// Python's grammar, lowest binding first. `rename` says what a name means in its section.
class Parser {
  constructor(text, rename) {
    this.tokens = [];
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < text.length) {
      const found = TOKEN.exec(text);
      if (found === null) throw new Error(`no formula: ${text}`);
      this.tokens.push(found[1]);
    }
    this.rename = rename;
    this.at = 0;
  }

  next() { return this.tokens[this.at++]; }
  takes(...wanted) { return wanted.includes(this.tokens[this.at]) ? this.next() : null; }
  expect(token) { if (this.takes(token) === null) throw new Error(`${token} is missing in ${this.tokens.join(" ")}`); }

  whole() {
    const made = this.choice();
    if (this.at < this.tokens.length) throw new Error(`no formula: ${this.tokens.join(" ")}`);
    return made;
  }

  choice() {
    const yes = this.either();
    if (!this.takes("if")) return yes;
    const condition = this.either();
    this.expect("else");
    const no = this.choice();
    return (values) => (condition(values) ? yes(values) : no(values));
  }

  either() {
    let made = this.both();
    while (this.takes("or")) {
      const [left, right] = [made, this.both()];
      made = (values) => left(values) || right(values);
    }
    return made;
  }

  both() {
    let made = this.negated();
    while (this.takes("and")) {
      const [left, right] = [made, this.negated()];
      made = (values) => left(values) && right(values);
    }
    return made;
  }

  negated() {
    if (!this.takes("not")) return this.compared();
    const made = this.negated();
    return (values) => !made(values);
  }

  compared() { return this.binary(["<", "<=", ">", ">=", "==", "!="], () => this.sum()); }
  sum() { return this.binary(["+", "-"], () => this.term()); }
  term() { return this.binary(["*", "/"], () => this.signed()); }

  binary(operators, operand) {
    let made = operand();
    for (let token = this.takes(...operators); token; token = this.takes(...operators)) {
      const [left, right, apply] = [made, operand(), OPERATORS[token]];
      made = (values) => apply(left(values), right(values));
    }
    return made;
  }

  signed() {
    if (!this.takes("-")) return this.power();
    const made = this.signed();
    return (values) => -made(values);
  }

  power() {
    const base = this.atom();
    if (!this.takes("**")) return base;
    const exponent = this.signed();
    return (values) => base(values) ** exponent(values);
  }

  atom() {
    const token = this.next();
    if (token === "(") {
      const made = this.choice();
      this.expect(")");
      return made;
    }
    if (/^\d/.test(token)) {
      const number = Number(token);
      return () => number;
    }
    if (this.takes("(")) return this.call(FUNCTIONS[token]);
    const name = this.rename(token);
    return (values) => values.get(name);
  }

  call(apply) {
    if (apply === undefined) throw new Error("an unknown function");
    const parts = [this.choice()];
    while (this.takes(",")) parts.push(this.choice());
    this.expect(")");
    return (values) => apply(...parts.map((part) => Number(part(values))));
  }
}

function readLines(text) {
  let head = "";
  const found = [];
  for (const line of text.replace(/^#.*\n/gm, "").replace(/\n[ \t]+/g, " ").split("\n")) {
    if (line.startsWith("[")) head = line.slice(1, -1);
    else if (line.trim()) {
      const at = line.indexOf(" = ");
      found.push([head, line.slice(0, at), line.slice(at + 3)]);
    }
  }
  return found;
}

const prefixesOf = (head) => (head.startsWith("for ") ? head.slice(4).split(/,\s*/) : []);

// A Map of name to {over, compute}: `over` is "texts", "steps" or null.
export function readFormulas(text) {
  const lines = readLines(text);
  const owned = new Map();
  for (const [head, name] of lines) {
    for (const prefix of prefixesOf(head)) owned.set(prefix, (owned.get(prefix) ?? new Set()).add(name));
  }
  const found = new Map();
  const plain = (name) => name;
  for (const [head, name, expression] of lines) {
    const prefixes = prefixesOf(head);
    for (const prefix of prefixes) {
      const rename = (one) => (owned.get(prefix).has(one) ? `${prefix}_${one}` : one);
      found.set(`${prefix}_${name}`, { over: null, compute: new Parser(expression, rename).whole() });
    }
    if (prefixes.length > 1) {
      const sum = prefixes.map((prefix) => `${prefix}_${name}`).join(" + ");
      found.set(`sum_${name}`, { over: null, compute: new Parser(sum, plain).whole() });
    }
    if (prefixes.length === 0) {
      const over = ["texts", "steps"].includes(head) ? head : null;
      found.set(name, { over, compute: new Parser(expression, plain).whole() });
    }
  }
  return found;
}

// Given numbers, and what the table makes of them when it is asked. What is given comes before a formula.
export class Values {
  // given: an object of numbers. counts: a Map of each length to how many texts have it. steps: objects of numbers.
  constructor(table, given, counts = new Map(), steps = []) {
    this.table = table;
    this.known = new Map(Object.entries(given));
    if (counts.size && !this.known.has("longest")) this.known.set("longest", Math.max(...counts.keys()));
    this.texts = [...counts].map(([length, count]) => [new Row(this, "texts", { length }), count]);
    this.steps = steps.map((step) => new Row(this, "steps", step));
  }

  get(name) {
    if (!this.known.has(name)) this.known.set(name, this.computed(name));
    return this.known.get(name);
  }

  computed(name) {
    const formula = this.table.get(name);
    if (formula === undefined) throw new Error(`${name} is neither given nor a formula`);
    if (formula.over === "texts") return this.texts.reduce((sum, [row, count]) => sum + count * row.get(name), 0);
    if (formula.over === "steps") return Math.max(...this.steps.map((row) => row.get(name)));
    return formula.compute(this);
  }
}

// The names of one text or step: its own, what formulas make of them, and what is the same for all.
class Row {
  constructor(outer, over, given) {
    this.outer = outer;
    this.over = over;
    this.known = new Map(Object.entries(given));
  }

  get(name) {
    if (this.known.has(name)) return this.known.get(name);
    const formula = this.outer.table.get(name);
    if (formula === undefined || formula.over !== this.over) return this.outer.get(name);
    const value = formula.compute(this);
    this.known.set(name, value);
    return value;
  }
}
