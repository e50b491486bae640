/*
 * Draws lanes into points. A column of points that one interval fills has its shade; where several
 * lie in one column, each shade has as much of the column's height as it had of the time, and never
 * less than can be seen, so that nothing short is lost.
 */

const STRIP = 3; /* CSS pixels: of a strip along a lane */
const LEAST = 3; /* of what is short in a column */
const LEAST_TEXT = 26; /* CSS pixels that a text needs */
const HATCH = 6; /* points from stripe to stripe */
const FONT = "11px system-ui, sans-serif";

class Painter {
  constructor(canvas, scene) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    this.scene = scene;
    this.widths = new Map();
  }

  /* Gives the canvas its size, in CSS pixels and points per pixel. */
  resize(width, height, scale) {
    const canvas = this.canvas;
    canvas.style.width = width + "px";
    canvas.style.height = height + "px";
    const points = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
    if (!this.image || canvas.width !== points[0] || canvas.height !== points[1]) {
      [canvas.width, canvas.height] = points;
      this.image = this.context.createImageData(points[0], points[1]);
      this.points = new Uint32Array(this.image.data.buffer);
    }
    this.width = points[0];
    this.height = points[1];
    this.scale = scale;
  }

  /* Takes the colours of a theme: of the page's ground, and of each shade of each kind. */
  colour(theme, paper) {
    const palette = this.scene.palette;
    const hatched = this.scene.hatched;
    this.paper = pointOf(paper);
    this.stripe = pointOf(theme === "dark" ? "#9aa0aa" : "#6d6d6d");
    for (const kind of this.scene.kinds) {
      kind.points = Uint32Array.from(kind.shades, (shade) => pointOf(palette[shade.colour][theme]));
      kind.texts = kind.shades.map((shade) => inkOn(palette[shade.colour][theme]));
      kind.striped = kind.shades.map((shade) => shade.colour === hatched);
      kind.pale = kind.shades.findIndex((shade) => shade.colour === "idle");
    }
  }

  /* Draws lanes at their places, so many CSS pixels high, from one time to another. */
  paint(placed, bar, from, to) {
    const texts = [];
    this.points.fill(this.paper);
    for (const { lane, y } of placed) {
      const top = Math.round(y * this.scale);
      this.lane(lane, top, Math.round(bar * this.scale), from, to, texts);
      if (lane.strip) {
        const high = Math.max(2, Math.round(STRIP * this.scale));
        this.lane(lane.strip, top + Math.round((bar + 1) * this.scale), high, from, to, null);
      }
    }
    this.context.putImageData(this.image, 0, 0);
    this.write(texts);
  }

  lane(lane, top, high, from, to, texts) {
    const step = (to - from) / this.width;
    const kind = lane.kind;
    const shades = kind.shadeCount;
    const until = new Float64Array(shades), sofar = new Float64Array(shades);
    let known = -1; /* the column whose beginning `sofar` tells */
    let i = lane.after(from);
    let last = -1; /* the interval that ends where the next column begins */
    for (let x = 0; x < this.width; ) {
      const begin = from + x * step;
      const end = from + (x + 1) * step;
      i = lane.after(begin, i);
      const inside = i < lane.count && lane.starts[i] <= begin;
      if (inside && lane.ends[i] >= end) {
        const stop = this.column(lane.ends[i], from, step, x);
        const goesOn = last >= 0 && sameText(lane, last, i);
        const gap = last >= 0 && lane.shades[last] === lane.shades[i] && !goesOn;
        this.run(kind, lane.shades[i], x, stop, top, high, gap);
        if (texts && !goesOn && stop - x >= LEAST_TEXT * this.scale) {
          texts.push({ lane, i, x, stop, top, high });
        }
        last = i;
        x = stop;
        continue;
      }
      if (!inside && (i >= lane.count || lane.starts[i] >= end)) {
        const stop = i < lane.count ? this.column(lane.starts[i], from, step, x) : this.width;
        if (kind.rest !== null) {
          this.run(kind, kind.rest, x, stop, top, high, false);
        }
        last = -1;
        x = stop;
        continue;
      }
      if (known !== x) {
        sofar.fill(0);
        lane.before(begin, i, sofar);
      }
      const next = lane.after(end, i);
      until.fill(0);
      lane.before(end, next, until);
      this.stack(kind, sofar, until, step, next - i, x, top, high);
      sofar.set(until);
      known = x + 1;
      last = -1;
      x++;
    }
  }

  /* The column after x that a time lies in: what ends there does not fill it. */
  column(time, from, step, x) {
    return Math.max(x + 1, Math.min(this.width, Math.floor((time - from) / step)));
  }

  /* One shade in several columns; a gap parts it from another interval of the same shade. */
  run(kind, shade, x, stop, top, high, gap) {
    const begin = gap && stop - x >= 4 ? x + 1 : x;
    this.fill(kind, shade, begin, stop, top, top + high);
  }

  /* One column of several shades. Where it is only two that meet, the longer has it. */
  stack(kind, before, after, step, more, x, top, high) {
    const spent = kind.spent || (kind.spent = new Float64Array(kind.shadeCount));
    let rest = step, most = 0, present = 0;
    for (let shade = 0; shade < spent.length; shade++) {
      spent[shade] = after[shade] - before[shade];
      rest -= spent[shade];
    }
    if (kind.rest !== null && rest > step * 1e-6) {
      spent[kind.rest] += rest;
    }
    for (let shade = 0; shade < spent.length; shade++) {
      present += spent[shade] > 0 ? 1 : 0;
      most = spent[shade] > spent[most] ? shade : most;
    }
    if (present < 2 || more < 2) {
      if (spent[most] > 0) {
        this.fill(kind, most, x, x + 1, top, top + high);
      }
      return;
    }
    const least = Math.min(Math.round(LEAST * this.scale), Math.floor(high / present));
    let spare = high - least * present; /* what the longest has beyond that */
    for (let shade = 0; shade < spent.length; shade++) {
      if (spent[shade] > 0 && shade !== most) {
        const share = Math.round((spent[shade] / step) * high);
        spent[shade] = least + Math.max(0, Math.min(spare, share - least));
        spare -= spent[shade] - least;
      }
    }
    spent[most] = least + spare;
    for (let shade = 0, bottom = top + high; shade < spent.length; shade++) {
      if (spent[shade] > 0) {
        this.fill(kind, shade, x, x + 1, bottom - spent[shade], bottom);
        bottom -= spent[shade];
      }
    }
  }

  fill(kind, shade, x, stop, top, bottom) {
    const colour = kind.points[shade];
    const points = this.points, width = this.width;
    const first = Math.max(0, top), end = Math.min(this.height, bottom);
    if (stop - x === 1 && !kind.striped[shade]) {
      for (let y = first, at = first * width + x; y < end; y++, at += width) {
        points[at] = colour;
      }
      return;
    }
    for (let y = first; y < end; y++) {
      points.fill(colour, y * width + x, y * width + stop);
    }
    if (kind.striped[shade]) {
      const apart = Math.round(HATCH * this.scale);
      for (let y = first; y < end; y++) {
        for (let at = x + ((apart - ((x + y) % apart)) % apart); at < stop; at += apart) {
          points[y * width + at] = this.stripe;
        }
      }
    }
  }

  /* Writes texts on what is wide enough for them. */
  write(texts) {
    const context = this.context, scale = this.scale;
    context.save();
    context.scale(scale, scale);
    context.font = FONT;
    context.textBaseline = "middle";
    for (const { lane, i, x, stop, top, high } of texts) {
      const kind = lane.kind;
      const shade = lane.shades[i];
      const text = valueOf(kind.columns[kind.text], lane.rows[i]);
      if (text === null || kind.striped[shade] || shade === kind.pale) {
        continue;
      }
      const shown = this.fit(String(text), (stop - x) / scale - 8);
      if (shown) {
        context.fillStyle = kind.texts[shade];
        context.fillText(shown, x / scale + 5, (top + high / 2) / scale + 0.5);
      }
    }
    context.restore();
  }

  /* As much of a text as there is room for. */
  fit(text, room) {
    let width = this.widths.get(text);
    if (width === undefined) {
      width = this.context.measureText(text).width;
      this.widths.set(text, width);
    }
    if (width <= room) {
      return text;
    }
    const letters = Math.floor((text.length * room) / width) - 1;
    return letters >= 2 ? text.slice(0, letters) + "\u2026" : "";
  }
}

/* Whether the same is written on two intervals: a task that goes on while something else changes. */
function sameText(lane, one, other) {
  const column = lane.kind.columns[lane.kind.text];
  const [a, b] = [lane.rows[one], lane.rows[other]];
  return column !== undefined && column.values[a] === column.values[b] &&
    lane.shades[one] === lane.shades[other];
}

/* A colour as ImageData's memory has it. */
function pointOf(colour) {
  const [red, green, blue] = partsOf(colour);
  const bytes = Uint8Array.of(red, green, blue, 255);
  return new Uint32Array(bytes.buffer)[0];
}

function partsOf(colour) {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

/* Black or white, whichever can be read on a colour. */
function inkOn(colour) {
  const [red, green, blue] = partsOf(colour).map((part) => (part / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? "#000000" : "#ffffff";
}
