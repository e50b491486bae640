/* What is looked at: a window of time, rows from somewhere on, and what is chosen. */

const AXIS = 30; /* CSS pixels, as page.css has it */
const HEADING = 28;
const ROW = [26, 44]; /* the least high and the highest, which it is where there is room */
const CLOSEST = 20; /* ns that the view is wide at least */
const LETTER = 6.7; /* CSS pixels of a digit of the axis */
const PAPER = [960, 520]; /* CSS pixels of the picture on a page of paper, at most */

class View {
  constructor(scene, sections) {
    this.scene = scene;
    this.sections = sections;
    this.times = new Times(scene);
    this.painter = new Painter(element("picture"), scene);
    this.over = element("over");
    this.stage = element("stage");
    this.from = 0;
    this.to = scene.span;
    this.chosen = null; /* {lane, i} */
    this.pointer = null; /* {x, y} in CSS pixels of the canvas */
    this.marks = { a: null, b: null };
    this.sifted = null; /* whether a lane is shown, while a search sifts them */
    this.printing = false;
    this.printTop = 0; /* how far it was scrolled when printing began */
    this.resize();
    this.recolour();
  }

  /* Rows from top to bottom: headings, and lanes; these are higher where there are few. */
  layRows() {
    const isShown = (lane) => !this.sifted || this.sifted(lane);
    const lanesOf = this.sections.map((lanes) => lanes.filter(isShown));
    const room = this.stage.clientHeight - AXIS - 12 - lanesOf.length * (HEADING + 6);
    const count = lanesOf.reduce((sum, lanes) => sum + lanes.length, 0);
    this.row = Math.max(ROW[0], Math.min(Math.floor(room / Math.max(1, count)), ROW[1]));
    this.bar = this.row - 7;
    this.rows = [];
    let y = 0;
    this.scene.sections.forEach((section, place) => {
      const lanes = lanesOf[place];
      if (lanes.length) {
        this.rows.push({ y, height: HEADING, title: section.title, lane: null });
        y += HEADING;
        for (const lane of lanes) {
          this.rows.push({ y, height: this.row, title: lane.label, lane });
          y += this.row;
        }
        y += 6;
      }
    });
    this.total = y + 6;
  }

  resize() {
    this.layRows();
    const stage = this.stage;
    const labels = parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--labels"));
    const high = this.printing ? Math.min(this.total, PAPER[1]) + AXIS : stage.clientHeight;
    const wide = this.printing ? PAPER[0] : stage.clientWidth;
    element("corner").textContent = this.unit();
    element("tall").style.height = (this.printing ? high : Math.max(this.total + AXIS, high)) + "px";
    element("still").style.height = high + "px";
    this.width = Math.max(1, wide - labels);
    this.height = Math.max(1, high - AXIS);
    const scale = this.printing ? 2 : window.devicePixelRatio || 1;
    this.painter.resize(this.width, this.height, scale);
    const points = [Math.round(this.width * scale), Math.round(this.height * scale)];
    [this.over.width, this.over.height] = points;
    this.over.style.width = this.width + "px";
    this.over.style.height = this.height + "px";
    this.draw();
  }

  /* What the axis counts; and on paper, how many rows there is no room for. */
  unit() {
    const lanes = this.rows.filter((row) => row.lane);
    const end = this.printTop + PAPER[1];
    const shown = lanes.filter((row) => row.y >= this.printTop && row.y + row.height <= end);
    const cut = this.printing && shown.length < lanes.length;
    const unit = this.times.seconds ? "seconds" : "cycles";
    return cut ? `${unit}; ${shown.length} of ${lanes.length} rows` : unit;
  }

  recolour() {
    const style = getComputedStyle(document.documentElement);
    this.theme = document.documentElement.dataset.theme;
    this.painter.colour(this.theme, style.getPropertyValue("--paper").trim());
    this.draw();
  }

  /* Draws at the next frame, however often it is asked for. */
  draw() {
    if (!this.asked) {
      this.asked = true;
      requestAnimationFrame(() => this.asked && this.drawNow());
    }
  }

  drawNow() {
    this.asked = false;
    const top = this.top();
    this.visible = this.rows.filter((row) => row.y + row.height > top && row.y < top + this.height);
    const lanes = this.visible.filter((row) => row.lane);
    this.painter.paint(
      lanes.map((row) => ({ lane: row.lane, y: row.y - top + 3 })), this.bar, this.from, this.to
    );
    this.drawLabels(top);
    this.drawTicks();
    this.drawOver();
    this.stage.dataset.from = String(this.times.whole(this.from));
    this.stage.dataset.to = String(this.times.whole(this.to));
  }

  drawLabels(top) {
    const labels = element("labels");
    pool(labels, this.visible.length, "div").forEach((label, place) => {
      const row = this.visible[place];
      const isChosen = this.chosen && row.lane === this.chosen.lane;
      label.className = row.lane ? (isChosen ? "chosen" : "") : "heading";
      label.style.top = row.y - top + "px";
      label.style.height = label.style.lineHeight = row.height + "px";
      if (label.textContent !== row.title) {
        label.textContent = label.title = row.title;
      }
    });
  }

  drawTicks() {
    const ticks = this.times.ticks(this.from, this.to, this.width, LETTER);
    pool(element("axis"), ticks.length, "span").forEach((tick, place) => {
      tick.textContent = ticks[place].text;
      tick.style.left = this.x(ticks[place].time) + "px";
    });
  }

  /*
   * What comes and goes without the lanes being drawn anew: pointer, markers, what is chosen. On
   * paper there is one canvas only: what lies over another hides it there.
   */
  drawOver() {
    const canvas = this.printing ? this.painter.canvas : this.over;
    const scale = canvas.width / this.width;
    const context = canvas.getContext("2d");
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    context.setTransform(scale, 0, 0, scale, 0, 0);
    if (!this.printing) {
      context.clearRect(0, 0, this.width, this.height);
    }
    const line = (x, dashes) => {
      context.setLineDash(dashes);
      context.beginPath();
      context.moveTo(Math.round(x) + 0.5, 0);
      context.lineTo(Math.round(x) + 0.5, this.height);
      context.stroke();
    };
    if (this.pointer && !this.printing) {
      context.strokeStyle = colour("--faint");
      context.lineWidth = 1;
      line(this.pointer.x, [2, 3]);
    }
    this.outline(context, colour("--ink"), colour("--paper"));
    const { a, b } = this.marks;
    context.strokeStyle = context.fillStyle = colour("--accent");
    if (a !== null && b !== null) {
      context.globalAlpha = 0.12;
      const [left, right] = [Math.min(a, b), Math.max(a, b)].map((time) => this.x(time));
      context.fillRect(left, 0, right - left, this.height);
      context.globalAlpha = 1;
    }
    context.lineWidth = 1.5;
    context.font = "bold 11px system-ui, sans-serif";
    for (const [name, time] of Object.entries(this.marks)) {
      if (time !== null && time >= this.from && time <= this.to) {
        const x = this.x(time);
        line(x, []);
        context.fillStyle = colour("--accent");
        context.fillRect(x, 0, 16, 16);
        context.fillStyle = colour("--accent-ink");
        context.fillText(name.toUpperCase(), x + 4, 12);
      }
    }
    context.setTransform(1, 0, 0, 1, 0, 0);
  }

  /* A frame around what is chosen. */
  outline(context, ink, paper) {
    const row = this.chosen && this.visible.find((each) => each.lane === this.chosen.lane);
    if (!row) {
      return;
    }
    const { lane, i } = this.chosen;
    const left = Math.max(-4, this.x(lane.starts[i]));
    const right = Math.min(this.width + 4, this.x(lane.ends[i]));
    const y = row.y - this.top() + 3;
    context.setLineDash([]);
    for (const [wide, colour] of [[4, paper], [2, ink]]) {
      context.strokeStyle = colour;
      context.lineWidth = wide;
      context.strokeRect(left - 1, y - 1, Math.max(3, right - left + 2), this.bar + 2);
    }
  }

  /* How far the rows are scrolled. */
  top() {
    return this.printing ? this.printTop : this.stage.scrollTop;
  }

  /* Shows for paper what is shown, or goes back to the window. */
  print(printing) {
    const before = this.top();
    this.printing = printing;
    this.layRows();
    this.printTop = Math.max(0, Math.min(before, this.total - PAPER[1]));
    this.recolour();
    this.resize();
    if (!printing) {
      this.stage.scrollTop = before;
    }
    this.drawNow();
  }

  /* Where a time is on the canvas, and which time is there. */
  x(time) {
    return ((time - this.from) / (this.to - this.from)) * this.width;
  }

  time(x) {
    return this.from + (x / this.width) * (this.to - this.from);
  }

  /* Shows a window of time, as far as it is one of the scene. */
  show(from, to) {
    const span = this.scene.span;
    const wide = Math.min(Math.max(to - from, Math.min(CLOSEST, span)), span);
    const middle = (from + to) / 2;
    this.from = Math.max(0, Math.min(middle - wide / 2, span - wide));
    this.to = this.from + wide;
    this.draw();
  }

  /* Comes closer to what is at x, or goes away from it. */
  zoom(factor, x = this.width / 2) {
    const span = this.scene.span;
    const wide = Math.min(Math.max((this.to - this.from) * factor, Math.min(CLOSEST, span)), span);
    const from = this.time(x) - (x / this.width) * wide;
    this.show(from, from + wide);
  }

  /* Moves along the time by CSS pixels. */
  pan(pixels) {
    const by = (pixels / this.width) * (this.to - this.from);
    this.show(this.from + by, this.to + by);
  }

  /* The row at a height of the canvas. */
  rowAt(y) {
    const at = y + this.stage.scrollTop;
    return this.rows.find((row) => row.lane && at >= row.y && at < row.y + row.height) || null;
  }

  /* What is at a place: an interval, a time without one, or nothing. Of several the nearest by. */
  at(x, y) {
    const row = this.rowAt(y);
    if (!row) {
      return null;
    }
    const inRow = y + this.stage.scrollTop - row.y - 3;
    const strip = row.lane.strip;
    if (strip && inRow >= this.bar - 1) {
      const i = this.near(strip, x);
      if (i >= 0) {
        return { lane: strip, i };
      }
    }
    return { lane: row.lane, i: this.near(row.lane, x) };
  }

  /* The longest interval under the pointer, which has the width of a point or two. */
  near(lane, x) {
    const begin = this.time(x - 0.5), end = this.time(x + 0.5);
    let best = lane.at(this.time(x));
    const last = lane.after(end);
    let i = lane.after(begin);
    if (last - i > 64) {
      return best;
    }
    let most = -1;
    for (; i <= last && i < lane.count; i++) {
      const shared = Math.min(end, lane.ends[i]) - Math.max(begin, lane.starts[i]);
      if (shared > most && shared > 0) {
        most = shared;
        best = i;
      }
    }
    return best;
  }

  /* Scrolls to a lane, and moves to an interval of it if that is out of sight. */
  reveal(lane, i) {
    const row = this.rows.find((each) => each.lane === lane || (each.lane && each.lane.strip === lane));
    if (row) {
      const top = this.stage.scrollTop;
      if (row.y < top || row.y + row.height > top + this.height) {
        this.stage.scrollTop = row.y - this.height / 2;
      }
    }
    if (i >= 0 && (lane.ends[i] <= this.from || lane.starts[i] >= this.to)) {
      const middle = (lane.starts[i] + lane.ends[i]) / 2, wide = this.to - this.from;
      this.show(middle - wide / 2, middle + wide / 2);
    }
  }
}

function element(id) {
  return document.getElementById(id);
}

/* Makes as many children as are wanted, and gives them. */
function pool(parent, count, tag) {
  while (parent.childElementCount > count) {
    parent.lastElementChild.remove();
  }
  while (parent.childElementCount < count) {
    parent.append(document.createElement(tag));
  }
  return [...parent.children];
}
