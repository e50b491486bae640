/* Finds tasks by name or PID: what is of others becomes pale, and one goes from one to the next. */

class Search {
  constructor(view, panel, choose) {
    this.view = view;
    this.panel = panel;
    this.choose = choose;
    this.word = "";
  }

  /* Looks for a word; none: the search is over. */
  look(word) {
    this.word = word.trim();
    const { scene } = this.view;
    let count = 0, time = 0;
    for (const kind of scene.kinds) {
      kind.found = this.word && kind.found_by.length ? this.rowsOf(kind) : null;
      this.recolour(kind);
    }
    const lanes = this.lanes();
    for (const lane of lanes) {
      for (let i = 0; i < lane.count; i++) {
        if (lane.kind.found[lane.rows[i]]) {
          count++;
          time += lane.ends[i] - lane.starts[i];
        }
      }
    }
    const times = this.view.times;
    const told = count ? `${grouped(count)}\u00d7, ${times.length(time)}` : "none";
    element("found").textContent = this.word ? told : "";
    element("before").disabled = element("after").disabled = !count;
    this.sift();
    this.view.resize();
  }

  /* Of each row of a kind's table whether it is one that is looked for. */
  rowsOf(kind) {
    const [name, pid] = kind.found_by.map((column) => kind.columns[column]);
    const rows = new Uint8Array(name ? name.values.length : 0);
    const word = this.word.toLowerCase();
    const digits = /^(?:.* \[)?(-?\d+)\]?$/.exec(word); /* alone, or as labels have them */
    const number = digits ? Number(digits[1]) : NaN;
    const fits = name ? name.texts.map((text) => text.toLowerCase().includes(word)) : [];
    for (let row = 0; row < rows.length; row++) {
      const named = fits[name.values[row]] && !(name.valid && !name.valid[row]);
      const numbered = pid.values[row] === number && !(pid.valid && !pid.valid[row]);
      rows[row] = named || numbered;
    }
    return rows;
  }

  /* What is not looked for is pale; what is not known stays as it is. */
  recolour(kind) {
    const { own, shown, rows, found } = kind;
    for (let i = 0; i < shown.length; i++) {
      const keep = !found || found[rows[i]] || kind.striped[own[i]] || kind.pale < 0;
      shown[i] = keep ? own[i] : kind.pale;
    }
    for (const lane of kind.lanes) {
      lane.sums = null;
    }
  }

  /* The lanes through which one goes: of each kind that can be searched those that say who ran. */
  lanes() {
    const lanes = this.view.sections.flat();
    return lanes.filter(({ kind }) => kind.found && kind.text === kind.found_by[0]);
  }

  /* Of sections with many lanes only those stay that have something to show. */
  sift() {
    const { sections } = this.view.scene;
    this.view.sifted = !this.word ? null : (lane) => {
      if (!sections[lane.section].sifted || !lane.kind.found) {
        return true;
      }
      return lane.rows.some((row) => lane.kind.found[row]);
    };
  }

  /* Goes to the next interval that is looked for, or the one before. */
  go(forwards) {
    const { chosen, from, to } = this.view;
    const middle = chosen ? chosen.lane.starts[chosen.i] : forwards ? from - 0.5 : to;
    let best = null;
    for (const lane of this.lanes()) {
      const i = nextIn(lane, middle, forwards);
      if (i >= 0 && (!best || (lane.starts[i] < best.lane.starts[best.i]) === forwards)) {
        best = { lane, i };
      }
    }
    if (best) {
      this.choose(best);
    }
  }
}

/* The first interval that is looked for and begins after a time, or the last before it; -1: none. */
function nextIn(lane, time, forwards) {
  const step = forwards ? 1 : -1;
  const { starts, rows, count } = lane;
  const found = lane.kind.found;
  let i = Math.min(lane.after(time), count - 1);
  while (i >= 0 && i < count) {
    if (found[rows[i]] && (forwards ? starts[i] > time : starts[i] < time)) {
      return i;
    }
    i += step;
  }
  return -1;
}
