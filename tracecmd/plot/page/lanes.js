/* Intervals lane by lane: which there are at a time, and how much of a time had which shade. */

const NO_SHADE = 255;
const STRIDE = 32; /* intervals between two sums that are kept */

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
  kind.lanes = wanted.map((told, place) => {
    const lane = new Lane(told.label, told.section, kind, begins[place], begins[place + 1]);
    if (told.over) {
      told.over.madeStrip = lane;
    } else {
      told.made = lane;
    }
    return lane;
  });
}

function fillIntervals(kind, table, count) {
  const shades = shadesOfRows(table, kind);
  kind.shadeCount = kind.shades.length;
  kind.starts = new Float64Array(count);
  kind.ends = new Float64Array(count);
  kind.own = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const row = kind.rows[i];
    kind.ends[i] = table.columns.end.values[row];
    kind.starts[i] = kind.ends[i] - table.columns.duration.values[row];
    kind.own[i] = shades[row];
  }
  kind.shown = kind.own.slice(); /* a search shows other ones */
}

/* Of each row the place of its lane, -1: it has none. */
function lanesOfRows(table, kind, wanted) {
  const lanes = new Int32Array(table.rows).fill(-1);
  if (!table.rows) {
    return lanes;
  }
  const keys = kind.keys.map((name) => table.columns[name]);
  const places = new Map();
  wanted.forEach((told, place) => {
    const numbers = told.key.map((key, k) => (keys[k].texts ? keys[k].texts.indexOf(key) : key));
    if (!numbers.includes(-1) || !keys.some((key) => key.texts)) {
      places.set(joined(numbers[0], numbers[1] || 0), place);
    }
  });
  const only = kind.only ? table.columns[kind.only[0]] : null;
  const fits = only ? only.texts.map((text) => kind.only[1].includes(text)) : null;
  const [first, second] = keys;
  for (let row = 0; row < table.rows; row++) {
    if ((fits && !fits[only.values[row]]) || (first.valid && !first.valid[row])) {
      continue;
    }
    const lane = places.get(joined(first.values[row], second ? second.values[row] : 0));
    if (lane !== undefined) {
      lanes[row] = lane;
    }
  }
  return lanes;
}

function joined(first, second) {
  return first * 0x100000000 + (second >>> 0);
}

/* Of each row its shade, by the first rule that has one. */
function shadesOfRows(table, kind) {
  const shades = new Uint8Array(table.rows).fill(NO_SHADE);
  if (!table.rows) {
    return shades;
  }
  for (const rule of kind.rules) {
    const column = table.columns[rule.column];
    const rest = rule.rest === null ? NO_SHADE : rule.rest;
    const of = new Map(rule.of);
    const get = (value) => (of.has(value) ? of.get(value) : rest);
    const byText = column.texts ? Uint8Array.from(column.texts, get) : null;
    const ofNull = get(null);
    for (let row = 0; row < table.rows; row++) {
      if (shades[row] === NO_SHADE) {
        const value = column.values[row];
        const isNull = column.valid !== null && !column.valid[row];
        shades[row] = isNull ? ofNull : byText ? byText[value] : get(value);
      }
    }
  }
  return shades;
}
