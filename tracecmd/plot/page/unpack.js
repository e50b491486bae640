/* The block of data: base64 of deflated bytes, which are JSON, then columns. See plot/page.py. */

async function unpack(text) {
  const data = await inflate(bytesOf(text));
  const size = new DataView(data.buffer).getUint32(0, true);
  const scene = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + size)));
  let at = 4 + size;
  for (const table of scene.tables) {
    const columns = {};
    for (const told of table.columns) {
      at = readColumn(data, at, table.rows, told);
      columns[told.name] = told;
    }
    table.columns = columns;
    table.starts = table.rows ? startsOf(columns) : null;
  }
  return scene;
}

async function inflate(bytes) {
  const stream = new DecompressionStream("deflate");
  const writer = stream.writable.getWriter();
  const ignore = () => {}; /* what fails is told where it is read */
  writer.write(bytes).catch(ignore);
  writer.close().catch(ignore);
  return new Uint8Array(await new Response(stream.readable).arrayBuffer());
}

function bytesOf(text) {
  if (Uint8Array.fromBase64) {
    return Uint8Array.fromBase64(text);
  }
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) {
    bytes[i] = raw.charCodeAt(i);
  }
  return bytes;
}

/* Puts the planes of a column together, and gives where the next one begins. */
function readColumn(data, at, rows, column) {
  const plane = (number) => data.subarray(at + number * rows, at + (number + 1) * rows);
  const planes = Array.from({ length: column.planes }, (_, number) => plane(number));
  const low = joinPlanes(planes.slice(0, 4), rows);
  const high = column.planes > 4 ? joinPlanes(planes.slice(4), rows) : null;
  const plain = !high && !column.rising && column.base === 0;
  column.values = plain ? low : wholeNumbers(low, high, column.base, column.rising);
  at += column.planes * rows;
  column.valid = column.nulls ? data.subarray(at, at + rows) : null;
  return column.nulls ? at + rows : at;
}

/* Up to four planes as numbers; a single one is what it is. */
function joinPlanes(planes, rows) {
  const [first, second, third, fourth] = planes;
  if (!second) {
    return first;
  }
  const values = new Uint32Array(rows);
  if (!third) {
    for (let row = 0; row < rows; row++) {
      values[row] = first[row] | (second[row] << 8);
    }
  } else if (!fourth) {
    for (let row = 0; row < rows; row++) {
      values[row] = first[row] | (second[row] << 8) | (third[row] << 16);
    }
  } else {
    for (let row = 0; row < rows; row++) {
      values[row] = first[row] | (second[row] << 8) | (third[row] << 16) | (fourth[row] << 24);
    }
  }
  return values;
}

/* Numbers that may be large or negative; of a rising column each is told by how much it is more. */
function wholeNumbers(low, high, base, rising) {
  const values = new Float64Array(low.length);
  let before = 0;
  for (let row = 0; row < values.length; row++) {
    const own = before + low[row] + (high ? high[row] * 0x100000000 : 0) + base;
    values[row] = own;
    before = rising ? own : 0;
  }
  return values;
}

/* When intervals began: where one ended that is so many rows before, or a duration ago. */
function startsOf({ end, since, duration }) {
  const ends = end.values, rows = ends.length;
  const starts = new Float64Array(rows);
  if (since) {
    const before = since.values;
    for (let row = 0; row < rows; row++) {
      const other = row - before[row];
      starts[row] = other < 0 ? 0 : ends[other];
    }
  } else {
    for (let row = 0; row < rows; row++) {
      starts[row] = ends[row] - duration.values[row];
    }
  }
  return starts;
}

/* The value of a column in a row: a number, a text, or null. */
function valueOf(column, row) {
  if (!column || (column.valid && !column.valid[row])) {
    return null;
  }
  const value = column.values[row];
  return column.texts ? column.texts[value] : value;
}
