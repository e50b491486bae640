/* Intervals lane by lane: which there are at a time, and how much of a time had which shade. */

const NO_SHADE = 255;
const STRIDE = 32; /* intervals between two sums that are kept */
const DENSE = 1 << 22; /* as many PIDs as Linux has */

class Lane {
  constructor(label, section, kind, from, to) {
    this.label = label;
    this.section = section;
    this.kind = kind;
    this.starts = kind.starts.subarray(from, to);
    this.ends = kind.ends.subarray(from, to);
    this.rows = kind.rows.subarray(from, to);
    this.shades = kind.shown.subarray(from, to);
    this.count = to - from;
    this.strip = null;
    this.sums = null;
  }

  /* The first interval that ends after a time; count: none. Looks near a place that is given first. */
  after(time, near = 0) {
    const ends = this.ends;
    let low = near, step = 1;
    while (low + step < this.count && ends[low + step - 1] <= time) {
      low += step;
      step *= 2;
    }
    let high = Math.min(low + step, this.count);
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle] <= time) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /* The interval at a time, -1: none. */
  at(time) {
    const i = this.after(time);
    return i < this.count && this.starts[i] <= time ? i : -1;
  }

  /* How long each shade was shown before a time, which lies in interval i or before it. */
  before(time, i, into) {
    const shades = this.kind.shadeCount;
    const sums = this.sums || this.sumUp();
    const block = Math.floor(i / STRIDE);
    for (let shade = 0; shade < shades; shade++) {
      into[shade] = sums[block * shades + shade];
    }
    for (let k = block * STRIDE; k < i; k++) {
      into[this.shades[k]] += this.ends[k] - this.starts[k];
    }
    if (i < this.count && this.starts[i] < time) {
      into[this.shades[i]] += time - this.starts[i];
    }
  }

  /* Sums are made when a lane is first looked at, and again after its shades have changed. */
  sumUp() {
    const shades = this.kind.shadeCount;
    const sums = new Float64Array((Math.floor(this.count / STRIDE) + 1) * shades);
    const now = new Float64Array(shades);
    for (let i = 0; i < this.count; i++) {
      if (i % STRIDE === 0) {
        sums.set(now, (i / STRIDE) * shades);
      }
      now[this.shades[i]] += this.ends[i] - this.starts[i];
    }
    if (this.count % STRIDE === 0) {
      sums.set(now, (this.count / STRIDE) * shades);
    }
    this.sums = sums;
    return sums;
  }
}

/* Makes the lanes of all sections; a lane's strip is a lane itself. */
function makeLanes(scene) {
  const wanted = scene.kinds.map(() => []);
  for (const [place, section] of scene.sections.entries()) {
    for (const lane of section.lanes) {
      lane.section = place;
      wanted[lane.kind].push(lane);
      if (lane.strip !== null) {
        wanted[lane.strip].push({ label: lane.label, key: lane.key, over: lane });
      }
    }
  }
  scene.kinds.forEach((kind, place) => sortIntoLanes(scene, kind, wanted[place]));
  for (const lane of scene.sections.flatMap((section) => section.lanes)) {
    lane.made.strip = lane.madeStrip || null;
  }
  return scene.sections.map((section) => section.lanes.map((lane) => lane.made));
}

/* Puts the rows of a kind's table in the order of lanes; in each they are in order of time. */
function sortIntoLanes(scene, kind, wanted) {
  const table = scene.tables[kind.table];
  const laneOf = lanesOfRows(table, kind, wanted);
  const begins = new Uint32Array(wanted.length + 1);
  for (let row = 0; row < table.rows; row++) {
    if (laneOf[row] >= 0) {
      begins[laneOf[row] + 1]++;
    }
  }
  for (let lane = 0; lane < wanted.length; lane++) {
    begins[lane + 1] += begins[lane];
  }
  const count = begins[wanted.length];
  kind.rows = new Uint32Array(count);
  const next = begins.slice();
  for (let row = 0; row < table.rows; row++) {
    if (laneOf[row] >= 0) {
      kind.rows[next[laneOf[row]]++] = row;
    }
  }
  fillIntervals(kind, table, count);
  kind.columns = table.columns;
  kind.shown = new Uint8Array(count); /* shades as a search leaves them */
  kind.lanes = wanted.map((told, place) => {
    putInOrder(kind, begins[place], begins[place + 1]);
    const lane = new Lane(told.label, told.section, kind, begins[place], begins[place + 1]);
    if (told.over) {
      told.over.madeStrip = lane;
    } else {
      told.made = lane;
    }
    return lane;
  });
  kind.shown.set(kind.own);
}

function fillIntervals(kind, table, count) {
  const shades = shadesOfRows(table, kind);
  kind.shadeCount = kind.shades.length;
  kind.starts = new Float64Array(count);
  kind.ends = new Float64Array(count);
  kind.own = new Uint8Array(count);
  if (count) {
    const { starts, ends, own, rows } = kind;
    const last = table.columns.end.values, first = table.starts;
    for (let i = 0; i < count; i++) {
      const row = rows[i];
      ends[i] = last[row];
      starts[i] = first[row];
      own[i] = shades[row];
    }
  }
}

/*
 * Most lanes are in order as they come, but for those that several vCPUs share. Where two were at one
 * time in one place the recording contradicts itself: the first is shown until the second begins.
 */
function putInOrder(kind, from, to) {
  const { starts, ends, own, rows } = kind;
  let next = from + 1;
  while (next < to && starts[next] >= ends[next - 1]) {
    next++;
  }
  if (next >= to) {
    return;
  }
  const order = Array.from({ length: to - from }, (_, place) => from + place);
  order.sort((a, b) => starts[a] - starts[b] || ends[a] - ends[b]);
  for (const column of [starts, ends, own, rows]) {
    column.set(order.map((place) => column[place]), from);
  }
  for (let i = from + 1; i < to; i++) {
    ends[i - 1] = Math.min(ends[i - 1], starts[i]);
  }
}

/* Of each row the place of its lane, -1: it has none. */
function lanesOfRows(table, kind, wanted) {
  if (!table.rows) {
    return new Int32Array(0);
  }
  const [first, second] = kind.keys.map((name) => table.columns[name]);
  const places = new Map(); /* by the first key; where there is a second one, of maps by that */
  wanted.forEach((told, place) => {
    const [key, other] = told.key;
    const inside = second ? places.get(key) || new Map() : null;
    places.set(key, second ? inside.set(other, place) : place);
  });
  let lanes = null;
  if (second) {
    const groups = [...places.keys()];
    lanes = byValue(first, new Map(groups.map((key, group) => [key, group])), -1);
    for (let row = 0; row < table.rows; row++) {
      const lane = lanes[row] < 0 ? -1 : places.get(groups[lanes[row]]).get(valueOf(second, row));
      lanes[row] = lane === undefined ? -1 : lane;
    }
  } else {
    lanes = byValue(first, places, -1);
  }
  if (kind.only) {
    const [name, texts] = kind.only;
    const fits = byValue(table.columns[name], new Map(texts.map((text) => [text, 1])), 0);
    for (let row = 0; row < table.rows; row++) {
      if (!fits[row]) {
        lanes[row] = -1;
      }
    }
  }
  return lanes;
}

/* Of each row its shade, by the first rule that has one. */
function shadesOfRows(table, kind) {
  let shades = null;
  for (const rule of table.rows ? kind.rules : []) {
    const rest = rule.rest === null ? NO_SHADE : rule.rest;
    const own = byValue(table.columns[rule.column], new Map(rule.of), rest);
    for (let row = 0; shades && row < table.rows; row++) {
      own[row] = shades[row] === NO_SHADE ? own[row] : shades[row];
    }
    shades = own;
  }
  return shades;
}

/* Of each row what a map has for its value, null being one; or the rest. */
function byValue(column, of, rest) {
  const { values, valid, texts } = column;
  const found = new Int32Array(values.length);
  const get = (value) => (of.has(value) ? of.get(value) : rest);
  let least = 0, table = null;
  if (texts) {
    table = Int32Array.from(texts, get);
  } else {
    const numbers = [...of.keys()].filter((key) => key !== null);
    least = numbers.reduce((low, number) => Math.min(low, number), Infinity);
    const most = numbers.reduce((high, number) => Math.max(high, number), -Infinity);
    if (most - least < DENSE) {
      table = new Int32Array(Math.max(0, most - least + 1)).fill(rest);
      numbers.forEach((number) => (table[number - least] = of.get(number)));
    }
  }
  if (table) {
    lookUp(found, values, table, least, rest);
  } else {
    found.forEach((_, row) => (found[row] = get(values[row])));
  }
  if (valid) {
    const ofNull = get(null);
    for (let row = 0; row < found.length; row++) {
      if (!valid[row]) {
        found[row] = ofNull;
      }
    }
  }
  return found;
}

function lookUp(found, values, table, least, rest) {
  const count = table.length;
  for (let row = 0; row < found.length; row++) {
    const place = values[row] - least;
    found[row] = place >= 0 && place < count ? table[place] : rest;
  }
}
